import matplotlib.patches as shapes
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from vlmcore import plots
from vlmcore.plots.patches import ATTENTION, painted


@pytest.fixture
def images():
    """Two images of 4 x 4 patches of 3 pixels: left half black, right half white; and the other way round."""
    image = np.zeros((2, 3, 12, 12), np.uint8)
    image[0, :, :, 6:] = 255
    image[1, :, :, :6] = 255
    return image


def test_cells_show_the_mean_colour_of_each(images):
    figure = plots.pooled_cells(images, 4, side=4)
    above, below = figure.axes[0], figure.axes[2]
    assert below.images[0].get_array()[0, :, 0].tolist() == [0, 1]
    assert len(above.lines) == 2 * 3 + 2 * 1, (
        "thin lines between patches, thick ones between cells"
    )
    whole = plots.pooled_cells(images, 1, side=4).axes[2].images[0].get_array()
    assert whole.shape == (1, 1, 3) and whole[0, 0, 0] == pytest.approx(0.5)


def test_paint_lies_where_a_token_looks(images):
    weights = np.zeros(16)
    weights[5] = 1  # second row, second column
    shown = painted(images[0], weights.reshape(4, 4))
    assert np.allclose(shown[3:6, 3:6], 0.1 * 0.5 + 0.9 * np.array(to_rgb(ATTENTION)))
    unpainted = np.ones((12, 12), bool)
    unpainted[3:6, 3:6] = False
    assert np.allclose(shown[unpainted], (0.5 + images[0, 0] / 510)[unpainted][:, None])


def test_every_token_is_drawn_on_its_own_scale(images):
    weights = np.stack([np.eye(16)[[0, 3]] * [[0.5], [0.001]]] * 2)
    axes = plots.token_weights(images, weights, ["first", "second"], side=4).axes
    assert len(axes) == 6 and [axis.get_title() for axis in axes[:3]] == [
        "",
        "first",
        "second",
    ]
    assert np.allclose(
        axes[1].images[0].get_array()[0, 0], axes[2].images[0].get_array()[0, 9] - 0.05
    )
    labelled = plots.token_weights(
        images, weights, ["first", "second"], ["above", "below"], side=4
    ).axes
    assert [labelled[i].get_ylabel() for i in (0, 1, 3)] == ["above", "", "below"]
    assert np.isfinite(
        plots.token_weights(images, weights * 0, ["a", "b"], side=4)
        .axes[1]
        .images[0]
        .get_array()
    ).all()


def test_kept_patches_are_framed_by_their_reason_and_the_others_fade(images):
    axes = plots.kept_patches(images, {"both": [([3], [0, 12]), ([], [])]}, side=4).axes
    frames = [p for p in axes[2].patches if isinstance(p, shapes.Rectangle)]
    assert [(p.get_xy(), to_rgb(p.get_edgecolor())) for p in frames] == [
        ((8.5, -0.5), to_rgb(ATTENTION)),
        ((-0.5, -0.5), to_rgb("#0072B2")),
        ((-0.5, 8.5), to_rgb("#0072B2")),
    ]
    shown = axes[2].images[0].get_array()
    assert shown[0, 0, 0] == 0, "kept, so as black as it was"
    assert shown[4, 4, 0] == pytest.approx(0.85), "dropped, so nearly white"
    assert not axes[3].patches
