import numpy as np
import pytest
from matplotlib import colors

from vlmcore import plots
from vlmcore.plots.patches import ATTENTION

IMAGE = np.full((3, 72, 72), 200, np.uint8)


def drawn(axis):
    return axis.get_images()[0].get_array()


def test_paint_is_where_the_queries_look():
    weights = np.zeros((4, 36))
    weights[1, 0] = 1.0  # the upper right region, its first patch: row 0, column 6
    figure = plots.region_attention(
        IMAGE[None], {"a compressor": weights[None]}, ["a question"]
    )
    plain, painted = figure.axes
    assert plain.get_title() == "a question" and painted.get_ylabel() == "a compressor"
    changed = np.abs(drawn(painted) - drawn(painted)[-1, -1]).max(-1) > 0.01
    expected = np.zeros((72, 72), bool)
    expected[0:6, 36:42] = True
    assert (changed == expected).all()
    assert np.abs(drawn(painted)[0, 36] - colors.to_rgb(ATTENTION)).max() < 0.15
    assert len(painted.get_lines()) == 2  # one border each way


def test_there_is_a_row_for_every_compressor_and_a_column_for_every_image():
    looks = {"one": np.ones((3, 1, 144)), "four": np.ones((3, 4, 36))}
    assert (
        len(plots.region_attention(np.stack([IMAGE] * 3), looks, ["a", "b", "c"]).axes)
        == 9
    )


@pytest.mark.parametrize(
    ("visual_tokens", "keys", "corner"), [(1, 144, 0), (16, 9, 54), (36, 4, 48)]
)
def test_a_region_is_followed_from_coarse_to_fine(visual_tokens, keys, corner):
    image = IMAGE.copy()
    image[:, 54:60, 12:18] = 0  # patch (9, 2)
    figure = plots.coarse_and_fine(image, np.ones((visual_tokens, 3)), patch=(9, 2))
    _, coarse, fine = figure.axes
    assert drawn(coarse).shape == (round(visual_tokens**0.5),) * 2 + (3,)
    assert fine.get_title("left") == f"one query's {keys} keys"
    left = {1: 0, 16: 0, 36: 12}[visual_tokens]
    room = 72 // round(visual_tokens**0.5)
    assert (
        drawn(fine)
        == image[:, corner : corner + room, left : left + room].transpose(1, 2, 0)
    ).all()


def test_what_a_query_is_made_of_is_shown_in_shares():
    figure = plots.query_sources(
        {"centre": np.eye(16)[[5]] * -8, "mean": np.ones((1, 16))}
    )
    centre, mean, _ = figure.axes
    assert drawn(centre)[1, 1] == 1 and drawn(centre).sum() == 1
    assert np.allclose(drawn(mean), 1 / 16)
    assert (
        centre.get_images()[0].get_clim() == mean.get_images()[0].get_clim() == (0, 1)
    )
