import numpy as np
import pandas as pd
import pytest

from tests.plots.artists import lines, texts, ys
from vlmcore import paper, plots
from vlmcore.scaling import Interval, Product

VISUAL = Product(AB=0.6, alpha=0.07, beta=0.015, D=0.0)
OCR = Product(AB=0.9, alpha=0.03, beta=0.04, D=0.0)


def test_bars_show_the_best_model_of_each_task():
    rows = paper.scores("visual").iloc[[6, 12]]
    figure = plots.similar_compute({"visual": rows}, {"visual": 0.01}, "same FLOPs")
    axis = figure.axes[0]
    first, second = axis.patches
    heights = [first.get_height(), second.get_height()]
    assert heights == pytest.approx(rows["error"].tolist())
    assert first.get_facecolor() != second.get_facecolor()
    assert axis.get_ylim()[0] < min(heights) - 0.01
    assert texts(axis.get_xticklabels()) == ["0.5B\nV = 576", "1.8B\nV = 144"]


def test_bars_begin_at_zero_unless_all_are_nearly_as_long():
    rows = pd.DataFrame(
        {"params": [1e9, 2e9], "visual_tokens": [4, 1], "error": [0.50, 0.46]}
    )
    short = rows.assign(error=[0.5, 0.1])
    cut = plots.similar_compute({"a": rows}, {"a": 0.01}).axes[0]
    whole = plots.similar_compute({"a": rows, "b": short}, {"a": 0.01, "b": 0.01}).axes
    assert cut.get_ylim()[0] > 0.4 and "does not start at 0" in cut.get_ylabel()
    assert all(axis.get_ylim()[0] == 0 for axis in whole)
    assert "does not" not in whole[0].get_ylabel()


def test_the_optimum_at_a_budget_is_the_closed_form():
    laws, text_tokens = {"visual": VISUAL, "ocr": OCR}, {"Q = 0": 0, "Q = 50": 50}
    figure = plots.tasks_at_budget(laws, text_tokens, 5e11, sizes=(5e8, 7e9))
    for axis, law in zip(figure.axes, laws.values(), strict=True):
        dots = [line for line in axis.get_lines() if line.get_marker() == "o"]
        best = [law.optimal_tokens(q) for q in text_tokens.values()]
        found = [dot.get_xdata().item() for dot in dots]
        assert found == pytest.approx(best, rel=0.02)
    params = 5e11 / (2 * (50 + lines(figure.axes[0])["Q = 50"].get_xdata()))
    assert params.min() >= 5e8 and params.max() <= 7e9 * 1.001


def test_tokens_by_ratio_are_those_of_a_law_with_that_ratio():
    task = Interval(4.7, 4.2, None, 0.95, "")
    axis = plots.optimal_tokens_by_ratio({"visual": task}, q=50).axes[0]
    ratio, best = (each[::40] for each in axis.get_lines()[0].get_data())
    laws = [Product(AB=1, alpha=each, beta=1, D=0) for each in ratio]
    assert best == pytest.approx([law.optimal_tokens(50) for law in laws])
    shown = axis.patches[0].get_extents().transformed(axis.transData.inverted())
    assert tuple(shown.intervalx) == pytest.approx((4.2, ratio[-1]))


def test_task_mixtures():
    ratio, tokens = [4.7, 1.5, 0.7], [13, 93, 576]
    share = np.linspace(0, 1, 3)
    table = pd.DataFrame({"share": share, "ratio": ratio, "low": 0.5, "high": 5.0})
    left, right = plots.task_mixtures(table.assign(tokens=tokens), q=50).axes
    assert ys(left)[0] == ratio and ys(right)[0] == tokens
    assert "Q = 50" in right.get_ylabel()
