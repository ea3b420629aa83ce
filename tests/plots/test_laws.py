import numpy as np
import pandas as pd
import pytest

from vlmcore import paper, plots
from vlmcore.scaling import Interval, Product, fit_law, hold_out, profile_path

LAW = Product(AB=0.6, alpha=0.07, beta=0.015, D=0.0)


@pytest.fixture(scope="module")
def scores():
    return paper.scores("visual")


@pytest.fixture(scope="module")
def law(scores):
    return fit_law(
        Product,
        scores["params"],
        scores["visual_tokens"],
        scores["error"],
        allow_bound=True,
    )


def lines(axis):
    return {line.get_label(): line for line in axis.get_lines()}


def test_points_and_the_curves_of_a_law(scores):
    axis = plots.error_by_tokens(scores, LAW, title="here").axes[0]
    assert lines(axis)["7B"].get_ydata() == pytest.approx(
        scores["error"][scores["params"] == 7e9]
    )
    curve = max(
        axis.get_lines(), key=lambda line: (len(line.get_xdata()), -line.get_ydata()[0])
    )
    assert curve.get_ydata() == pytest.approx(LAW.predict(7e9, curve.get_xdata()))
    assert axis.get_title(loc="left") == "here"
    assert len({line.get_color() for line in axis.get_lines()}) == 4
    assert len(plots.error_by_tokens(scores).axes[0].get_lines()) == 4


def test_sizes_are_lines_by_the_way_they_grow():
    wide = pd.DataFrame(
        {
            "params": [1e4, 1e5, 1e6],
            "error": [0.4, 0.2, 0.1],
            "standard_error": [0.02, 0.01, 0.01],
        }
    )
    deep = pd.DataFrame({"params": [5e4, 4e5], "error": [0.2, 0.2]})
    figure = plots.error_by_size(
        {"text": {"width": wide, "depth": deep}, "V = 1": {"width": wide + 0.1}}
    )
    text, seen = figure.axes
    assert lines(text)["width"].get_ydata() == pytest.approx(wide["error"])
    assert lines(text)["depth"].get_xdata() == pytest.approx(deep["params"])
    assert lines(text)["depth"].get_color() != lines(text)["width"].get_color()
    assert (
        text.get_xscale() == text.get_yscale() == "log"
        and seen.get_title(loc="left") == "V = 1"
    )
    assert [tick.get_text() for tick in text.get_xticklabels()] == ["10k", "1M"]
    assert [label.get_text() for label in figure.legends[0].get_texts()] == [
        "width",
        "depth",
    ]


def test_what_was_held_out_is_drawn_hollow_with_its_band(scores, law):
    table = hold_out(law, law.points.N == 7e9, count=50)
    axis = plots.error_by_tokens(scores, law.law, table).axes[0]
    held = lines(axis)["7B, predicted"]
    assert held.get_markerfacecolor() == "white" and len(held.get_xdata()) == 7
    assert lines(axis)["4B"].get_markerfacecolor() != "white"
    band = axis.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(table["low"].min()) and band[
        :, 1
    ].max() == pytest.approx(table["high"].max())


def test_a_size_that_was_never_measured_has_a_curve_and_no_points(scores, law):
    larger = pd.DataFrame(
        {"N": 14e9, "V": [1.0, 576], "error": [0.49, 0.44], "low": 0.4, "high": 0.5}
    )
    axis = plots.error_by_tokens(scores, law.law, larger).axes[0]
    assert len(lines(axis)["14B, predicted"].get_xdata()) == 0
    assert any(list(line.get_ydata()) == [0.49, 0.44] for line in axis.get_lines())


def test_the_map_marks_laws_and_the_line_of_their_ratio():
    sse = 1 + np.add.outer(np.arange(4.0), np.arange(3.0))
    axis = plots.loss_map(
        np.linspace(0.05, 0.2, 4), np.linspace(0.01, 0.03, 3), sse, {"here": LAW}
    ).axes[0]
    assert (lines(axis)["here"].get_xdata()[0], lines(axis)["here"].get_ydata()[0]) == (
        LAW.alpha,
        LAW.beta,
    )
    assert lines(axis)[f"α/β = {LAW.ratio:.2f}"].get_slope() == pytest.approx(
        LAW.beta / LAW.alpha
    )


def test_the_valley_is_drawn_relative_to_where_d_is_nearest_to_zero(law):
    path = profile_path(law, "D", [0.0, 0.1, 0.2])
    left, right = plots.profile_of_d(path, allowed=1.2 * law.objective).axes
    assert (
        left.get_lines()[0].get_ydata()[0] == 1
        and left.get_lines()[0].get_ydata()[2] > 1.3
    )
    assert lines(left)["95 % profile"].get_ydata()[0] == pytest.approx(1.2)
    assert lines(right)["α"].get_ydata()[2] > 1.5
    assert lines(right)["α/β"].get_ydata() == pytest.approx(1, rel=0.01)


def test_searches_that_end_alike_are_one_larger_mark():
    path = pd.DataFrame({"value": [0.0, 0.1], "alpha": [0.07, 0.09]})
    found = pd.DataFrame({"alpha": [0.07, 0.07, 0.09], "D": [0.0, 0.0, 0.1]})
    axis = plots.random_searches(path, found, {"here": LAW}).axes[0]
    small, large = sorted(axis.collections[0].get_sizes())
    assert len(axis.collections[0].get_offsets()) == 2 and large == pytest.approx(
        2 * small
    )
    assert "results of 3 searches; area: how many" in [
        text.get_text() for text in axis.get_legend().get_texts()
    ]


def test_intervals_stand_beside_the_name_of_their_method():
    one, two = Interval(4.7, 4.2, 5.2, 0.95, ""), Interval(4.6, 3.6, 5.8, 0.95, "")
    ratio, alpha = plots.intervals(
        {"ratio": {"a": one, "b": two}, "alpha": {"b": one}}
    ).axes
    assert [label.get_text() for label in ratio.get_yticklabels()] == ["a", "b"]
    assert (
        list(ratio.get_lines()[2].get_xdata()) == [3.6, 5.8]
        and ratio.get_lines()[2].get_ydata()[0] == 1
    )
    assert alpha.get_lines()[0].get_ydata()[0] == 1
    with pytest.raises(ValueError, match="the intervals of b have no end"):
        plots.intervals({"ratio": {"a": one, "b": one._replace(high=None)}})


def test_laws_are_followed_beyond_the_points(scores):
    axis = plots.extrapolation(scores, {"one": LAW}, 1, 1e12).axes[0]
    drawn = lines(axis)["one"]
    assert drawn.get_xdata()[-1] == pytest.approx(1000)
    assert drawn.get_ydata()[-1] == pytest.approx(float(LAW.predict(1e12, 1)))
    assert len(lines(axis)["measured"].get_xdata()) == 4


def test_standard_errors_are_drawn_where_they_are_known():
    cells = pd.DataFrame(
        {
            "params": 25_000,
            "visual_tokens": [1, 4, 16, 36],
            "error": [0.7, 0.5, 0.3, 0.2],
        }
    )
    bare, spread = (
        plots.error_by_tokens(rows).axes[0]
        for rows in (cells, cells.assign(standard_error=[0.01, 0.02, 0.03, 0.04]))
    )
    assert not bare.collections
    (whiskers,) = spread.collections
    heights = [segment[1, 1] - segment[0, 1] for segment in whiskers.get_segments()]
    assert heights == pytest.approx([0.02, 0.04, 0.06, 0.08])
    labels = [text.get_text() for text in spread.figure.legends[0].get_texts()]
    assert labels == ["25k"]
