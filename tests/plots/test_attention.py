import numpy as np
import pytest
from matplotlib import colors

from tests.plots.artists import picture
from vlmcore import plots
from vlmcore.plots.patches import ATTENTION

IMAGE = np.full((3, 72, 72), 200, np.uint8)


def test_colour_is_where_the_queries_attend():
    weights = np.zeros((1, 4, 36))
    weights[0, 1, 0] = 1.0  # the upper right region, its first patch: row 0, column 6
    figure = plots.region_attention(IMAGE[None], {"a compressor": weights}, ["why?"])
    plain, painted = figure.axes
    assert plain.get_title() == "why?" and painted.get_ylabel() == "a compressor"
    drawn, expected = picture(painted), np.zeros((72, 72), bool)
    expected[0:6, 36:42] = True
    assert ((np.abs(drawn - drawn[-1, -1]).max(-1) > 0.01) == expected).all()
    assert np.abs(drawn[0, 36] - colors.to_rgb(ATTENTION)).max() < 0.15
    assert len(painted.get_lines()) == 2  # one border each way


def test_there_is_a_row_for_every_compressor_and_a_column_for_every_image():
    attention = {"one": np.ones((3, 1, 144)), "four": np.ones((3, 4, 36))}
    figure = plots.region_attention(np.stack([IMAGE] * 3), attention, "abc")
    assert len(figure.axes) == 9


@pytest.mark.parametrize(
    ("cells", "keys", "top", "left"), [(1, 144, 0, 0), (4, 9, 54, 0), (6, 4, 48, 12)]
)
def test_a_region_is_followed_from_coarse_to_fine(cells, keys, top, left):
    image = IMAGE.copy()
    image[:, 54:60, 12:18] = 0  # patch (9, 2)
    figure = plots.coarse_and_fine(image, np.ones((cells**2, 3)), patch=(9, 2))
    _, coarse, fine = figure.axes
    assert picture(coarse).shape == (cells, cells, 3)
    assert fine.get_title("left") == f"one query's {keys} keys"
    region = image[:, top : top + 72 // cells, left : left + 72 // cells]
    assert (picture(fine) == region.transpose(1, 2, 0)).all()


def test_the_sources_of_a_query_are_shares():
    sources = {"centre": np.eye(16)[[5]] * -8, "mean": np.ones((1, 16))}
    centre, mean, _ = plots.query_sources(sources).axes
    assert picture(centre)[1, 1] == picture(centre).sum() == 1
    assert np.allclose(picture(mean), 1 / 16)
    assert all(axis.get_images()[0].get_clim() == (0, 1) for axis in (centre, mean))
