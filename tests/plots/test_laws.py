import pandas as pd
import pytest

from tests.plots.artists import lines, texts, ys
from vlmcore import plots
from vlmcore.scaling import Product, hold_out

LAW = Product(AB=0.6, alpha=0.07, beta=0.015, D=0.0)


def test_points_and_the_curves_of_a_law(scores):
    axis = plots.error_by_tokens(scores, LAW, title="here").axes[0]
    drawn = axis.get_lines()
    errors = scores["error"][scores["params"] == 7e9]
    assert lines(axis)["7B"].get_ydata() == pytest.approx(errors)
    curve = min((line for line in drawn if len(line.get_xdata()) == 60), key=height)
    assert curve.get_ydata() == pytest.approx(LAW.predict(7e9, curve.get_xdata()))
    assert axis.get_title(loc="left") == "here"
    assert len({line.get_color() for line in drawn}) == 4
    assert len(plots.error_by_tokens(scores).axes[0].get_lines()) == 4


def height(line):
    return line.get_ydata()[0]


def test_sizes_are_lines_by_label():
    errors = {"error": [0.4, 0.2, 0.1], "standard_error": [0.02, 0.01, 0.01]}
    wide = pd.DataFrame({"params": [1e4, 1e5, 1e6], **errors})
    deep = pd.DataFrame({"params": [5e4, 4e5], "error": [0.2, 0.2]})
    panels = {"text": {"width": wide, "depth": deep}, "V = 1": {"width": wide + 0.1}}
    figure = plots.error_by_size(panels)
    text, seen = figure.axes
    width, depth = lines(text)["width"], lines(text)["depth"]
    assert width.get_ydata() == pytest.approx(wide["error"])
    assert depth.get_xdata() == pytest.approx(deep["params"])
    assert depth.get_color() != width.get_color()
    assert text.get_xscale() == text.get_yscale() == "log"
    assert seen.get_title(loc="left") == "V = 1"
    assert texts(text.get_xticklabels()) == ["10k", "1M"]
    assert texts(figure.legends[0].get_texts()) == ["width", "depth"]


def test_held_out_points_are_hollow_with_their_band(scores, law):
    table = hold_out(law, law.points.N == 7e9, count=50)
    axis = plots.error_by_tokens(scores, law.law, table).axes[0]
    held = lines(axis)["7B, predicted"]
    assert held.get_markerfacecolor() == "white" and len(held.get_xdata()) == 7
    assert lines(axis)["4B"].get_markerfacecolor() != "white"
    band = axis.collections[0].get_paths()[0].vertices[:, 1]
    ends = (table["low"].min(), table["high"].max())
    assert (band.min(), band.max()) == pytest.approx(ends)


def test_a_size_that_was_not_measured_has_a_curve_and_no_points(scores, law):
    errors = {"error": [0.49, 0.44], "low": 0.4, "high": 0.5}
    larger = pd.DataFrame({"N": 14e9, "V": [1.0, 576], **errors})
    axis = plots.error_by_tokens(scores, law.law, larger).axes[0]
    assert len(lines(axis)["14B, predicted"].get_xdata()) == 0
    assert [0.49, 0.44] in ys(axis)


def test_laws_are_followed_beyond_the_points(scores):
    axis = plots.extrapolation(scores, {"one": LAW}, 1, 1e12).axes[0]
    x, y = lines(axis)["one"].get_data()
    assert x[-1] == pytest.approx(1000)
    assert y[-1] == pytest.approx(float(LAW.predict(1e12, 1)))
    assert len(lines(axis)["measured"].get_xdata()) == 4


def test_standard_errors_are_drawn_where_they_are_known():
    errors = {"visual_tokens": [1, 4, 16, 36], "error": [0.7, 0.5, 0.3, 0.2]}
    cells = pd.DataFrame({"params": 25_000, **errors})
    known = cells.assign(standard_error=[0.01, 0.02, 0.03, 0.04])
    bare, spread = (plots.error_by_tokens(rows).axes[0] for rows in (cells, known))
    assert not bare.collections
    segments = spread.collections[0].get_segments()
    heights = [segment[1, 1] - segment[0, 1] for segment in segments]
    assert heights == pytest.approx([0.02, 0.04, 0.06, 0.08])
    assert texts(spread.figure.legends[0].get_texts()) == ["25k"]
