import numpy as np
import pytest

from vlmcore.experiments.analysis.seeds import (
    one_more_seed,
    over_seeds,
    ratio_over_seeds,
)


def test_intervals_over_seeds_are_those_of_student_and_fieller():
    found = over_seeds([1.0, 2.0, 3.0])
    half = 4.302652729911275 / np.sqrt(3)
    assert (found.value, found.low, found.high) == pytest.approx(
        (2, 2 - half, 2 + half)
    )
    assert over_seeds([1.0, 2.0]).low is None
    ratio = ratio_over_seeds([2.0, 2.1, 1.9], [1.0, 1.01, 0.99])
    reach, samples = 4.302652729911275, np.array([[2.0, 2.1, 1.9], [1.0, 1.01, 0.99]])
    for end in (
        ratio.low,
        ratio.high,
    ):  # at an end the difference is just as many standard errors from 0
        difference = samples[0] - end * samples[1]
        assert abs(difference.mean()) == pytest.approx(
            reach * difference.std(ddof=1) / np.sqrt(3), rel=1e-6
        )
    assert ratio_over_seeds([1.0, 1.1, 0.9], [0.01, -0.02, 0.02])[1:3] == (None, None)


def test_one_more_seed_falls_into_its_interval_as_often_as_is_said():
    rng = np.random.default_rng(0)
    draws = rng.normal(0.4, 0.02, (4000, 6))
    found = [one_more_seed(row[:5]) for row in draws]
    share = np.mean(
        [
            each.low <= new <= each.high
            for each, new in zip(found, draws[:, 5], strict=True)
        ]
    )
    assert share == pytest.approx(0.95, abs=0.015)
    assert one_more_seed([0.4, 0.5]).low is None
