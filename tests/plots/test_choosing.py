import numpy as np
import pandas as pd
import pytest

from vlmcore import paper, plots
from vlmcore.paper import refit
from vlmcore.scaling import Additive, LogLinear, Product, bootstrap, frontier


@pytest.fixture(scope="module")
def scores():
    return paper.scores("visual")


@pytest.fixture(scope="module")
def law():
    return refit.fit_published("visual")


def lines(axis):
    return {line.get_label(): line for line in axis.get_lines()}


def test_frontiers_draw_all_points_ring_the_best_and_follow_the_law(scores, law):
    axis = plots.fitted_frontier(scores, law.law, [50]).axes[0]
    drawn = lines(axis)
    assert (
        sum(len(line.get_xdata()) for name, line in drawn.items() if name.endswith("B"))
        == 28
    )
    flops = 2 * scores["params"] * (50 + scores["visual_tokens"])
    assert sorted(drawn["frontier, measured"].get_xdata()) == sorted(
        flops.iloc[frontier(flops, scores["error"])]
    )
    x, y = (np.asarray(each) for each in drawn["frontier of the law"].get_data())
    free = (x > 2 * 5e8 * (50 + 14)) & (
        x < 2 * 7e9 * (50 + 13)
    )  # where N is bound by neither end
    assert free.sum() > 50
    np.testing.assert_allclose(
        y[free], law.law.frontier(x[free], 50)["error"], atol=1e-5
    )
    assert (np.diff(y) <= 0).all() and y[-1] == pytest.approx(
        law.law.predict(7e9, 576), abs=1e-3
    )


def test_the_least_error_is_marked_where_the_curve_has_it(law):
    for axis in plots.error_at_budget(law.law, [1e11, 1e13], (0, 50)).axes[:2]:
        curves = [line for line in axis.get_lines() if len(line.get_xdata()) > 1]
        marks = [line for line in axis.get_lines() if len(line.get_xdata()) == 1]
        assert len(curves) == len(marks) == 2
        for curve, mark in zip(curves, marks, strict=True):
            assert mark.get_ydata()[0] == pytest.approx(
                curve.get_ydata().min(), abs=1e-5
            )


def test_the_best_v_against_q(law):
    refits = bootstrap(law, count=200)
    printed = Product(AB=1, alpha=0.077, beta=0.015, D=0)
    axis = plots.optimal_tokens_by_text(
        {"refit": law.law, "printed": printed}, refits, np.array([0, 50, 100])
    ).axes[0]
    assert axis.get_lines()[1].get_ydata() == pytest.approx(
        [1, 12.097, 24.194], abs=1e-3
    )
    band = axis.collections[0].get_paths()[0].vertices
    at = band[band[:, 0] == 50, 1]
    assert at.min() < law.law.optimal_tokens(50) < at.max()
    with pytest.raises(ValueError, match="no upper end"):
        plots.optimal_tokens_by_text(
            {}, bootstrap(refit.fit_published("ocr"), count=20), np.array([0.0])
        )


def test_the_best_v_against_the_budget_is_flat_for_laws_with_a_ratio_only(law):
    laws = {
        form.__name__: refit.fit_published("visual", form).law
        for form in (Product, LogLinear, Additive)
    }
    drawn = lines(
        plots.optimal_tokens_by_budget(laws, np.array([1e11, 1e13]), 50).axes[0]
    )
    assert (
        np.ptp(drawn["Product"].get_ydata())
        == np.ptp(drawn["LogLinear"].get_ydata())
        == 0
    )
    assert drawn["Additive"].get_ydata()[1] > drawn["Additive"].get_ydata()[0] + 5


def test_bills_are_shares_with_their_total():
    axis = plots.cost_shares(
        pd.DataFrame({"eye": [3e12, 1e12], "mind": [1e12, 1e12]}, index=["one", "two"])
    ).axes[0]
    assert [bar.get_width() for bar in axis.patches] == pytest.approx(
        [0.75, 0.5, 0.25, 0.5]
    )
    assert [text.get_text() for text in axis.texts] == ["4.00 TFLOPs", "2.00 TFLOPs"]


def test_operations_and_seconds_are_relative_to_the_largest_v():
    axis = plots.flops_and_seconds(
        pd.DataFrame({"flops": [1.0, 10.0], "seconds": [2.0, 4.0]}, index=[1, 576])
    ).axes[0]
    assert [line.get_ydata().tolist() for line in axis.get_lines()] == [
        [0.1, 1],
        [0.5, 1],
    ]
