import numpy as np
import pandas as pd
import pytest

from tests.plots.artists import lines, texts, ys
from vlmcore import plots
from vlmcore.cost import Speed
from vlmcore.paper import refit
from vlmcore.scaling import Additive, LogLinear, Product, bootstrap


def test_the_least_error_is_marked_on_its_curve(law):
    for axis in plots.error_at_budget(law.law, [1e11, 1e13], (0, 50)).axes[:2]:
        curves, marks = ys(axis)[::2], ys(axis)[1::2]
        assert len(curves) == len(marks) == 2
        for curve, mark in zip(curves, marks, strict=True):
            assert mark == pytest.approx([min(curve)], abs=1e-5)


def test_the_optimal_v_against_q(law):
    refits = bootstrap(law, count=200)
    laws = {"refit": law.law, "printed": Product(AB=1, alpha=0.077, beta=0.015, D=0)}
    text_tokens = np.array([0, 50, 100])
    axis = plots.optimal_tokens_by_text(laws, refits, text_tokens).axes[0]
    assert ys(axis)[1] == pytest.approx([1, 12.097, 24.194], abs=1e-3)
    band = axis.collections[0].get_paths()[0].vertices
    at = band[band[:, 0] == 50, 1]
    assert at.min() < law.law.optimal_tokens(50) < at.max()
    ocr = bootstrap(refit.fit_published("ocr"), count=20)
    with pytest.raises(ValueError, match="no upper end"):
        plots.optimal_tokens_by_text({}, ocr, text_tokens)


def test_the_optimal_v_is_the_same_at_every_budget_for_laws_with_a_ratio_only():
    forms = (Product, LogLinear, Additive)
    laws = {form.__name__: refit.fit_published("visual", form).law for form in forms}
    figure = plots.optimal_tokens_by_budget(laws, np.array([1e11, 1e13]), 50)
    gains = [np.ptp(y) for y in ys(figure.axes[0])]
    assert gains[:2] == [0, 0] and gains[2] > 5
    assert list(lines(figure.axes[0])) == list(laws)


def test_costs_are_shares_with_their_total():
    costs = {"encoder": [3e12, 1e12], "prefill": [1e12, 1e12]}
    axis = plots.cost_shares(pd.DataFrame(costs, index=["one", "two"])).axes[0]
    widths = [bar.get_width() for bar in axis.patches]
    assert widths == pytest.approx([0.75, 0.5, 0.25, 0.5])
    assert texts(axis.texts) == ["4.00 TFLOPs", "2.00 TFLOPs"]
    axis = plots.cost_shares(
        pd.DataFrame(costs, index=["one", "two"]), absolute=True
    ).axes[0]
    assert [bar.get_width() for bar in axis.patches] == pytest.approx([3, 1, 1, 1])
    table = 1e6 * pd.DataFrame(costs, index=["one", "two"])
    axis = plots.cost_shares(table, absolute=True, unit="EFLOPs", of="a run").axes[0]
    assert [bar.get_width() for bar in axis.patches] == pytest.approx([3, 1, 1, 1])
    assert texts(axis.texts) == ["4.00 EFLOPs", "2.00 EFLOPs"]
    assert axis.get_xlabel() == "EFLOPs of a run"


def test_flops_and_seconds_are_relative_to_the_largest_v():
    table = pd.DataFrame({"flops": [1.0, 10.0], "seconds": [2.0, 4.0]}, index=[1, 576])
    assert ys(plots.flops_and_seconds(table).axes[0]) == [[0.1, 1], [0.5, 1]]


def test_costs_by_tokens_are_in_teraflops():
    table = pd.DataFrame({"all": [4e12, 8e12], "small": [1e12, 8e12]}, index=[1, 4])
    axis = plots.cost_by_tokens({"0.5B": table}).axes[0]
    assert ys(axis) == [[4, 8], [1, 8]] and axis.get_title("left") == "0.5B"


def test_stages_follow_each_other_in_a_panel_for_each_model():
    table = pd.DataFrame({"encoder": [1.0, 1.0], "prefill": [0.5, 2.0]}, ["few", "all"])
    figure = plots.stage_seconds({"small": table, "large": 2 * table})
    small, large = figure.axes
    assert [axis.get_title("left") for axis in figure.axes] == ["small", "large"]
    assert [bar.get_x() for bar in large.patches] == [0, 0, 2, 2]
    assert [bar.get_width() for bar in small.patches] == [1, 1, 0.5, 2]


def test_parts_of_memory_follow_each_other():
    table = pd.DataFrame({"weights": [4.0, 2.0], "moments": [8.0, 1.0]}, ["all", "few"])
    (axis,) = plots.memory_parts(table).axes
    assert [bar.get_x() for bar in axis.patches] == [0, 0, 4, 2]
    assert [bar.get_width() for bar in axis.patches] == [4, 2, 8, 1]


def test_points_that_were_not_fitted_are_open():
    speed = Speed(1.0, 1e9)
    rows = {"flops": [1e9, 2e9], "seconds": [2.0, 3.5], "fitted": [True, False]}
    axis = plots.prefill_seconds({"a": pd.DataFrame(rows)}, {"a": speed}).axes[0]
    line, filled, empty = axis.lines
    assert line.get_ydata()[[0, -1]] == pytest.approx([2, 3])
    assert (filled.get_ydata().tolist(), empty.get_ydata().tolist()) == ([2], [3.5])
    assert empty.get_markerfacecolor() == "none"
