"""Overhead and rate of planted times, and what is no measurement."""

import numpy as np
import pytest

from vlmcore.cost import fit_speed


def test_planted_times_are_recovered():
    flops = np.geomspace(1e9, 1e12, 7)
    speed = fit_speed(flops, 0.02 + flops / 3e11)
    assert speed.overhead == pytest.approx(0.02) and speed.rate == pytest.approx(3e11)
    assert speed.seconds(6e11) == pytest.approx(2.02)


def test_relative_errors_count_so_that_short_passes_are_not_ignored():
    flops = [1e9, 2e9, 1e12]
    speed = fit_speed(flops, [0.011, 0.012, 1.1])  # the long one is a tenth too long
    assert speed.seconds(1e9) == pytest.approx(0.011, rel=0.03)


def test_an_overhead_is_not_negative():
    speed = fit_speed([1e9, 2e9, 4e9], [0.1, 0.25, 0.6])
    assert speed.overhead == 0 and speed.rate > 0


@pytest.mark.parametrize(
    ("flops", "seconds", "says"),
    [
        ([1e9], [1], "at least two passes that differ"),
        ([1e9, 1e9], [1, 2], "at least two passes that differ"),
        ([1e9, 2e9], [1], "2 numbers of operations and 1 of seconds"),
        ([1e9, 2e9], [2, 1], "do not grow with the operations"),
        ([1e9, 2e9], [0, 1], "seconds is 0; it must be a number of at least"),
        (["x", 2e9], [1, 2], "flops is 'x'"),
    ],
)
def test_what_is_no_measurement_gets_a_sentence(flops, seconds, says):
    with pytest.raises(ValueError, match=says):
        fit_speed(flops, seconds)
