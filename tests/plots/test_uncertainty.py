import numpy as np
import pandas as pd
import pytest

from tests.plots.artists import lines, texts, xs, ys
from vlmcore import plots
from vlmcore.scaling import Interval, Product, profile_path

LAW = Product(AB=0.6, alpha=0.07, beta=0.015, D=0.0)


def test_the_map_marks_laws_and_the_line_of_their_ratio():
    sse = 1 + np.add.outer(np.arange(4.0), np.arange(3.0))
    alphas, betas = np.linspace(0.05, 0.2, 4), np.linspace(0.01, 0.03, 3)
    drawn = lines(plots.loss_map(alphas, betas, sse, {"here": LAW}).axes[0])
    assert drawn["here"].get_xydata().tolist() == [[LAW.alpha, LAW.beta]]
    ratio = drawn[f"α/β = {LAW.ratio:.2f}"]
    assert ratio.get_slope() == pytest.approx(LAW.beta / LAW.alpha)


def test_the_profile_is_relative_to_the_d_nearest_to_zero(law):
    path = profile_path(law, "D", [0.0, 0.1, 0.2])
    left, right = plots.profile_of_d(path, allowed=1.2 * law.objective).axes
    sse, allowed = ys(left)
    assert sse[0] == 1 and sse[2] > 1.3 and allowed[0] == pytest.approx(1.2)
    assert lines(right)["α"].get_ydata()[2] > 1.5
    assert lines(right)["α/β"].get_ydata() == pytest.approx(1, rel=0.01)


def test_searches_with_the_same_result_are_one_larger_mark():
    path = pd.DataFrame({"value": [0.0, 0.1], "alpha": [0.07, 0.09]})
    ends = pd.DataFrame({"alpha": [0.07, 0.07, 0.09], "D": [0.0, 0.0, 0.1]})
    axis = plots.random_searches(path, ends, {"here": LAW}).axes[0]
    small, large = sorted(axis.collections[0].get_sizes())
    assert large == pytest.approx(2 * small)
    label = "results of 3 searches; area: how many"
    assert label in texts(axis.get_legend().get_texts())


def test_intervals_are_drawn_in_the_row_of_their_method():
    one, two = Interval(4.7, 4.2, 5.2, 0.95, ""), Interval(4.6, 3.6, 5.8, 0.95, "")
    figure = plots.intervals({"ratio": {"a": one, "b": two}, "alpha": {"b": one}})
    ratio, alpha = figure.axes
    assert texts(ratio.get_yticklabels()) == ["a", "b"]
    assert (xs(ratio)[2], ys(ratio)[2]) == ([3.6, 5.8], [1, 1])
    assert ys(alpha)[0] == [1, 1]
    with pytest.raises(ValueError, match="the intervals of b have no end"):
        plots.intervals({"ratio": {"a": one, "b": one._replace(high=None)}})
