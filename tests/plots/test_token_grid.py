import numpy as np
import pytest
from matplotlib.colors import to_rgb

from tests.plots.artists import picture
from vlmcore import plots
from vlmcore.plots.patches import ATTENTION, painted

BLUE = "#0072B2"


@pytest.fixture
def images():
    """Two images of 4 x 4 patches of 3 pixels: one half of each is white."""
    image = np.zeros((2, 3, 12, 12), np.uint8)
    image[0, :, :, 6:] = 255
    image[1, :, :, :6] = 255
    return image


def test_cells_show_their_mean_colour(images):
    axes = plots.pooled_cells(images, 4, side=4).axes
    assert picture(axes[2])[0, :, 0].tolist() == [0, 1]
    assert len(axes[0].lines) == 2 * 3 + 2 * 1, "borders of patches and of cells"
    whole = picture(plots.pooled_cells(images, 1, side=4).axes[2])
    assert whole.shape == (1, 1, 3) and whole[0, 0, 0] == pytest.approx(0.5)


def test_colour_is_where_a_token_attends(images):
    weights = np.zeros((4, 4))
    weights[1, 1] = 1
    shown = painted(images[0], weights)
    assert np.allclose(shown[3:6, 3:6], 0.1 * 0.5 + 0.9 * np.array(to_rgb(ATTENTION)))
    rest = np.ones((12, 12), bool)
    rest[3:6, 3:6] = False
    assert np.allclose(shown[rest], (0.5 + images[0, 0] / 510)[rest][:, None])


def test_every_token_is_drawn_on_its_own_scale(images):
    weights = np.stack([np.eye(16)[[0, 3]] * [[0.5], [0.001]]] * 2)
    titles = ["first", "second"]
    axes = plots.token_weights(images, weights, titles, side=4).axes
    assert len(axes) == 6
    assert [axis.get_title() for axis in axes[:3]] == ["", *titles]
    assert np.allclose(picture(axes[1])[0, 0], picture(axes[2])[0, 9] - 0.05)
    above = plots.token_weights(images, weights, titles, ["up", "down"], side=4).axes
    assert [above[i].get_ylabel() for i in (0, 1, 3)] == ["up", "", "down"]
    empty = plots.token_weights(images, weights * 0, titles, side=4).axes[1]
    assert np.isfinite(picture(empty)).all()


def test_kept_patches_are_framed_by_their_reason_and_the_others_fade(images):
    axes = plots.kept_patches(images, {"both": [([3], [0, 12]), ([], [])]}, side=4).axes
    frames = {patch.get_xy(): patch.get_edgecolor() for patch in axes[2].patches}
    expected = {(8.5, -0.5): ATTENTION, (-0.5, -0.5): BLUE, (-0.5, 8.5): BLUE}
    assert frames.keys() == expected.keys()
    for corner, colour in expected.items():
        assert to_rgb(frames[corner]) == to_rgb(colour)
    shown = picture(axes[2])
    assert shown[0, 0, 0] == 0, "kept, so as black as it was"
    assert shown[4, 4, 0] == pytest.approx(0.85), "dropped, so nearly white"
    assert not axes[3].patches
