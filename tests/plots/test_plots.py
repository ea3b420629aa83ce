import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from tests.plots.artists import texts, ys
from vlmcore import plots


def test_accuracies_are_drawn_with_their_baselines():
    table = pd.DataFrame({"visual_tokens": [0, 1, 1], "accuracy": [0.6, 0.9, 1.0]})
    axis = plots.accuracy_by_tokens(table, {"guess": 0.625}).axes[0]
    assert ys(axis)[1:] == [[0.6, 0.95], [0.6, 0.9, 1.0]]
    assert "guess, 0.625" in texts(axis.get_legend().get_texts())


def test_losses_have_their_running_mean():
    log = pd.DataFrame({"step": [1, 2], "loss": [2.0, 1.0]})
    assert ys(plots.losses({"a": log}).axes[0]) == [[2.0, 1.0], [2.0, 1.5]]


def test_memory_is_stacked_below_the_limits_of_devices():
    table = pd.DataFrame({"weights": [4.0, 2.0], "moments": [8.0, 4.0]}, index=[1, 2])
    figure = plots.memory_by_devices({"whole": 2 * table, "shared": table}, {"L4": 22})
    whole, shared = figure.axes
    assert [bar.get_height() for bar in whole.patches] == [8, 4, 16, 8]
    assert [bar.get_y() for bar in shared.patches] == [0, 0, 4, 2]
    assert ys(shared) == [[22, 22]] and shared.get_title("left") == "shared"
    assert texts(shared.get_xticklabels()) == ["1", "2"]


def test_grids_of_images_grow_with_their_captions():
    images = np.zeros((2, 3, 8, 8), np.uint8)
    assert len(plots.samples_grid(images, ["a", "b"], columns=3).axes) == 3
    few, many = (
        plots.samples_grid(images, [text, "b"], columns=2).get_figheight()
        for text in ("a", "a\nb\nc\nd\ne")
    )
    assert many > few == 2
    assert len(plots.attention_over_images(images, np.ones((2, 4)), "ab").axes) == 4


def test_plotting_leaves_no_figure_open_and_no_style_behind(scores):
    before = dict(plt.rcParams)
    plots.measured_frontier(scores)
    assert not plt.get_fignums() and dict(plt.rcParams) == before


def test_a_slider_switches_frames_without_a_kernel(scores):
    figures = {f"{q}": plots.measured_frontier(scores, [q]) for q in (0, 50)}
    slider = plots.with_slider(figures, "Q")
    one, other = slider.frames.values()
    assert one != other
    for png in (one, other):
        assert png.startswith(b"\x89PNG") and len(png) < 40_000
    page = slider._repr_html_()
    assert page.count("<img ") == 2 and page.count("<img hidden ") == 1
    assert 'max="1"' in page and page.index('alt="0"') < page.index("hidden alt")
    with pytest.raises(ValueError, match="no figure"):
        plots.with_slider({}, "Q")
