import numpy as np
import pytest
from scipy import stats

from vlmcore.scaling import (
    Interval,
    crossed_mean,
    one_more_seed,
    over_seeds,
    ratio_over_seeds,
    wilson,
)


def test_an_interval_is_written_with_its_ends():
    assert f"{Interval(0.3612, 0.2, 0.5, 0.95, 't'):+.2f}" == "+0.36 [+0.20, +0.50]"
    assert f"{Interval(-1.0, None, None, 0.95, 'Fieller'):.1f}" == "-1.0 [−∞, ∞]"
    assert f"{Interval(1.0, 0.5, None, 0.95, 'profile'):.1f}" == "1.0 [0.5, ∞]"


def test_an_interval_of_a_share_ends_at_0_and_1():
    assert Interval(0.5, -0.1, 1.2).clipped()[:3] == (0.5, 0.0, 1.0)
    assert Interval(0.5).clipped() == Interval(0.5)


def test_wilson_against_a_published_example():
    """Newcombe 1998, table I."""
    value, low, high, _, method, count = wilson(81, 263)
    assert (low, high) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert (value, method, count) == (81 / 263, "Wilson", 263)


def test_intervals_over_seeds_are_those_of_student_and_fieller():
    half = 4.302652729911275 / np.sqrt(3)
    assert over_seeds([1.0, 2.0, 3.0])[:3] == pytest.approx((2, 2 - half, 2 + half))
    assert over_seeds([1.0, 2.0]).low is None
    above, below = np.array([[2.0, 2.1, 1.9], [1.0, 1.01, 0.99]])
    for end in ratio_over_seeds(above, below)[1:3]:
        # at an end the difference is just as many standard errors from 0
        difference = above - end * below
        assert abs(difference.mean()) == pytest.approx(
            half * difference.std(ddof=1), rel=1e-6
        )
    assert ratio_over_seeds([1.0, 1.1, 0.9], [0.01, -0.02, 0.02])[1:3] == (None, None)


def test_one_more_seed_falls_into_its_interval_as_often_as_promised():
    draws = np.random.default_rng(0).normal(0.4, 0.02, (4000, 6))
    found = [one_more_seed(row[:5]) for row in draws]
    inside = [
        each.low <= new <= each.high
        for each, new in zip(found, draws[:, 5], strict=True)
    ]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)
    assert one_more_seed([0.4, 0.5]).low is None


def test_few_seeds_have_no_interval_and_no_spread_has_no_width():
    for few in ([[1, 0, 1]], [[1, 0, 1], [1, 1, 1]]):
        assert crossed_mean(few)[1:5] == (None, None, None, None)
    assert crossed_mean([[1, 1]] * 3)[:3] == (1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="no table"):
        crossed_mean([1.0, 0.0])


def test_with_one_source_of_noise_the_crossed_interval_is_the_t_interval():
    """Against scipy: seeds that differ, and questions that are all alike."""
    means = np.array([0.2, 0.5, 0.6, 0.4])
    found = crossed_mean(np.repeat(means[:, None], 50, 1))
    expected = stats.t.interval(0.95, 3, means.mean(), stats.sem(means))
    assert found[1:3] == pytest.approx(expected) and found.count == 200


@pytest.mark.parametrize(
    ("seed_noise", "question_noise"), [(0.05, 0.3), (0.0, 0.5), (0.1, 0.0)]
)
def test_the_crossed_interval_covers_new_seeds_and_questions(
    seed_noise, question_noise
):
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(600):
        values = (
            0.1
            + seed_noise * rng.normal(size=(3, 1))
            + question_noise * rng.normal(size=(1, 200))
            + 0.3 * rng.normal(size=(3, 200))
        )
        found = crossed_mean(values)
        hits += found.low <= 0.1 <= found.high
    assert hits / 600 > 0.93
