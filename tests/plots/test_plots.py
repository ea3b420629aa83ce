import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from vlmcore import paper, plots
from vlmcore.scaling import frontier


def test_the_finding_draws_every_point_and_labels_the_frontier():
    scores = paper.scores("visual")
    figure = plots.measured_frontier(scores, [0])
    axis = figure.axes[0]
    lines = {line.get_label(): line for line in axis.get_lines()}
    assert (
        sum(len(line.get_xdata()) for name, line in lines.items() if name.endswith("B"))
        == 28
    )
    assert lines["7B"].get_xdata()[0] == 2 * 7e9 * 1 and lines["7B"].get_ydata()[
        0
    ] == pytest.approx(1 - 0.4810)
    drawn = lines["frontier"].get_xdata()
    assert [text.get_text() for text in axis.texts] == [
        "1",
        "1",
        "1",
        "1",
        "4",
        "16",
        "36",
        "64",
        "144",
        "576",
    ]
    assert len(drawn) == 10


def test_other_figures_are_drawn_from_what_they_are_given():
    table = pd.DataFrame({"visual_tokens": [0, 1, 1], "accuracy": [0.6, 0.9, 1.0]})
    axis = plots.accuracy_by_tokens(table, {"guess": 0.625}).axes[0]
    assert any("0.625" in text.get_text() for text in axis.get_legend().get_texts())
    assert isinstance(
        plots.losses({"a": pd.DataFrame({"step": [1, 2], "loss": [2.0, 1.0]})}), Figure
    )
    images = np.zeros((2, 3, 8, 8), np.uint8)
    assert len(plots.samples_grid(images, ["a", "b"], columns=3).axes) == 3
    few, many = (
        plots.samples_grid(images, [text, "b"], columns=2).get_figheight()
        for text in ("a", "a\nb\nc\nd\ne")
    )
    assert many > few == 2
    assert (
        len(plots.attention_over_images(images, np.ones((2, 4)), ["a", "b"]).axes) == 4
    )


def test_plotting_leaves_no_figure_open_and_no_style_behind():
    import matplotlib.pyplot as plt

    before = dict(plt.rcParams)
    plots.measured_frontier(paper.scores("ocr"))
    assert not plt.get_fignums() and dict(plt.rcParams) == before


def test_a_slider_switches_frames_without_a_kernel():
    figures = {
        f"{q}": plots.measured_frontier(paper.scores("visual"), [q]) for q in (0, 50)
    }
    box = plots.with_slider(figures, "Q")
    handle, stack = box.children
    assert handle.options == ("0", "50") and len(stack.children) == 2
    assert all(
        bytes(child.value).startswith(b"\x89PNG") and len(child.value) < 40_000
        for child in stack.children
    )
    assert stack.children[0].value != stack.children[1].value
    with pytest.raises(ValueError, match="no figure"):
        plots.with_slider({}, "Q")


def test_the_frontier():
    cost, error = (
        np.array([3.0, 1.0, 2.0, 1.0, 4.0]),
        np.array([0.2, 0.5, 0.5, 0.4, 0.2]),
    )
    assert frontier(cost, error).tolist() == [3, 0]
    assert frontier([], []).tolist() == []
    with pytest.raises(ValueError, match="do not belong together"):
        frontier([1, 2], [1])
    with pytest.raises(ValueError, match="not finite"):
        frontier([1.0, np.nan], [1.0, 1.0])
