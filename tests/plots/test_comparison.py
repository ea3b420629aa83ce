import numpy as np
import pytest

from tests.plots.artists import lines, xs, ys
from vlmcore import plots


def test_every_seed_is_a_point_at_its_count():
    seeds = np.array([[0.9, 1.0, 0.8], [0.1, 0.2, 0.3]])
    measured, rules = {"three seeds": seeds}, {"rule": [1.0, 0.2]}
    axis = plots.accuracy_by_count([1, 4], measured, rules, "accuracy").axes[0]
    assert xs(axis) == [[1, 1, 1, 4, 4, 4], [1, 4]]
    assert ys(axis) == [seeds.ravel().tolist(), [1.0, 0.2]]
    assert list(lines(axis)) == ["three seeds", "rule"]


def test_a_mean_is_one_point_a_count_and_too_few_are_refused():
    means = {"mean": [0.9, 0.5, 0.3]}
    axis = plots.accuracy_by_count([1, 2, 4], means, {}, "accuracy").axes[0]
    assert ys(axis) == [means["mean"]]
    with pytest.raises(ValueError, match="mean do not have one accuracy"):
        plots.accuracy_by_count([1, 2], means, {}, "accuracy")


def test_paired_differences_are_drawn_with_their_intervals():
    figure = plots.paired_differences({"task": {"a": (0.1, 0.0, 0.2)}}, "gain")
    axis = figure.axes[0]
    assert xs(axis)[1:] == [[0.0, 0.2], [0.1]] and axis.get_xlabel() == "gain"
