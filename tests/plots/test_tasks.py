import numpy as np
import pandas as pd
import pytest

from vlmcore import paper, plots
from vlmcore.scaling import Interval, Product

VISUAL = Product(AB=0.6, alpha=0.07, beta=0.015, D=0.0)
READING = Product(AB=0.9, alpha=0.03, beta=0.04, D=0.0)


def test_bars_show_the_best_model_of_each_task():
    rows = paper.scores("visual").iloc[[6, 12]]
    axis = plots.similar_compute({"visual": rows}, {"visual": 0.01}, "same FLOPs").axes[
        0
    ]
    first, second = (patch.get_facecolor() for patch in axis.patches)
    assert [patch.get_height() for patch in axis.patches] == pytest.approx(
        rows["error"].tolist()
    )
    assert first != second and axis.get_ylim()[0] < rows["error"].min() - 0.01
    assert [label.get_text() for label in axis.get_xticklabels()] == [
        "0.5B\nV = 576",
        "1.8B\nV = 144",
    ]


def test_the_best_buy_along_a_budget_is_the_closed_form():
    figure = plots.tasks_at_budget(
        {"visual": VISUAL, "ocr": READING},
        {"Q = 0": 0, "Q = 50": 50},
        5e11,
        sizes=(5e8, 7e9),
    )
    for axis, law in zip(figure.axes, (VISUAL, READING), strict=True):
        dots = [
            float(line.get_xdata()[0])
            for line in axis.get_lines()
            if len(line.get_xdata()) == 1
        ]
        assert dots == pytest.approx(
            [law.optimal_tokens(0), law.optimal_tokens(50)], rel=0.02
        )
    solid = next(
        line for line in figure.axes[0].get_lines() if line.get_label() == "Q = 50"
    ).get_xdata()
    params = 5e11 / (2 * (50 + solid))
    assert params.min() >= 5e8 and params.max() <= 7e9 * 1.001


def test_tokens_by_ratio_are_those_of_a_law_with_that_ratio():
    task = Interval(4.7, 4.2, None, 0.95, "")
    axis = plots.optimal_tokens_by_ratio({"visual": task}, q=50).axes[0]
    ratio, best = axis.get_lines()[0].get_data()
    for i in range(0, len(ratio), 40):
        assert best[i] == pytest.approx(
            Product(AB=1, alpha=ratio[i], beta=1, D=0).optimal_tokens(50)
        )
    left, right = (
        axis.patches[0].get_extents().transformed(axis.transData.inverted()).intervalx
    )
    assert (left, right) == pytest.approx((4.2, ratio[-1]))


def test_mixtures():
    share = np.linspace(0, 1, 3)
    table = pd.DataFrame(
        {
            "share": share,
            "ratio": [4.7, 1.5, 0.7],
            "low": 0.5,
            "high": 5.0,
            "tokens": [13, 93, 576],
        }
    )
    left, right = plots.task_mixtures(table, q=50).axes
    assert left.get_lines()[0].get_ydata().tolist() == [4.7, 1.5, 0.7]
    assert (
        right.get_lines()[0].get_ydata().tolist() == [13, 93, 576]
        and "Q = 50" in right.get_ylabel()
    )


def test_bars_begin_at_zero_unless_all_are_nearly_as_long():
    rows = pd.DataFrame(
        {"params": [1e9, 2e9], "visual_tokens": [4, 1], "error": [0.50, 0.46]}
    )
    short = rows.assign(error=[0.5, 0.1])
    cut = plots.similar_compute({"a": rows}, {"a": 0.01}).axes[0]
    whole = plots.similar_compute({"a": rows, "b": short}, {"a": 0.01, "b": 0.01}).axes
    assert cut.get_ylim()[0] > 0.4 and "does not start at 0" in cut.get_ylabel()
    assert (
        all(axis.get_ylim()[0] == 0 for axis in whole)
        and "does not" not in whole[0].get_ylabel()
    )
