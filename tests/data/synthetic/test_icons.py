import numpy as np
import pytest

from vlmcore.data.synthetic.drawing import (
    COLOUR_NAMES,
    COLOURS,
    cell_corners,
    glyph_masks,
)
from vlmcore.data.synthetic.icons import (
    ICONS,
    RELATIONS,
    VALUES,
    IconLayout,
    draw_icons,
    facts,
    icon_masks,
    sample_relations,
)


def test_names_are_different_words():
    for words, count in ((ICONS, 64), (RELATIONS, 128), (VALUES, 32)):
        assert len(set(words)) == len(words) == count
    assert not {*ICONS, *COLOUR_NAMES} & {*RELATIONS, *VALUES}


def test_every_icon_has_a_glyph_of_its_own():
    masks = icon_masks()
    missing = glyph_masks(("\U000f0000",), "DejaVuSans.ttf", 18, 18)  # not in the font
    distance = np.abs(masks[:, None] - np.vstack([masks, missing])).sum((2, 3))
    assert (distance + np.eye(64, 65) * 1e3).min() > 10
    assert masks.sum((1, 2)).min() > 10


def test_facts_of_two_worlds_agree_by_chance_only():
    one, again, other = facts(1), facts((1, 0)), facts(2)
    assert all(map(np.array_equal, one, again))
    agree = (one.values == other.values).mean()
    assert abs(agree - 1 / 32) < 4 * np.sqrt(1 / 32 / one.values.size)
    assert not np.array_equal(one.asked, other.asked)
    assert np.bincount(one.values.ravel(), minlength=32).min() > 180


def test_half_of_the_facts_of_every_icon_are_asked_in_training():
    asked = facts(1).asked
    assert (asked.sum(1) == 64).all()
    by_relation = asked.sum(0)  # which half does not depend on the relation
    assert by_relation.min() > 12 and by_relation.max() < 52


def test_weights_follow_zipf():
    """The first relation occurs twice as often as the second, and so on."""
    weight = facts(1).weight
    assert weight.sum() == pytest.approx(1)
    assert weight == pytest.approx(weight[0] / np.arange(1, 129))


def test_relations_are_drawn_by_weight_and_never_twice():
    weight = np.tile(np.array([4.0, 2.0, 1.0, 1.0, 0.0]), (20_000, 1))
    drawn = sample_relations(np.random.default_rng(0), weight, 3)
    assert (np.diff(np.sort(drawn, axis=1)) > 0).all() and 4 not in drawn
    first, second = drawn[:, 0], drawn[drawn[:, 0] == 0, 1]  # the rest by its weights
    for relations, shares in (
        (first, [0.5, 0.25, 0.125, 0.125]),
        (second, [0, 0.5, 0.25, 0.25]),
    ):
        found = np.bincount(relations) / len(relations)
        np.testing.assert_allclose(found, shares, atol=0.02)
    with pytest.raises(
        ValueError, match="5 different relations cannot be drawn from 4"
    ):
        sample_relations(np.random.default_rng(0), weight[:3], 5)


def test_icons_are_drawn_in_their_cells_and_nowhere_else():
    """Background and ink are read from the image, and the mixture is made again."""
    icon, colour, cell = np.array(
        [[[3, 60], [10, 11]], [[0, 7], [2, 5]], [[15, 0], [6, 9]]]
    )
    exists = np.array([[True, True], [True, False]])
    rng = np.random.default_rng(0)
    layout = IconLayout(icon, colour, cell, exists)
    images = draw_icons(rng, layout).astype(float)
    for i, image in enumerate(images):
        ground = image[:, 71, 0]  # the last cell of the first column is always empty
        expected = np.tile(ground[:, None, None], (1, 72, 72))
        for j in np.flatnonzero(exists[i]):
            top, left = cell_corners(cell[i, j])
            mask = icon_masks()[icon[i, j]]
            y, x = np.argwhere(mask == mask.max())[0]
            ink = ground + (image[:, top + y, left + x] - ground) / mask.max()
            assert np.abs(ink - COLOURS[COLOUR_NAMES[colour[i, j]]]).max() < 45
            mixed = mask * (ink - ground)[:, None, None]
            expected[:, top : top + 18, left : left + 18] += mixed
        assert np.abs(image - expected).max() <= 3
