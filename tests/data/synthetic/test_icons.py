import numpy as np
import pytest

from vlmcore.data.synthetic.captioned_shapes import COLOURS
from vlmcore.data.synthetic.drawing import glyph_masks
from vlmcore.data.synthetic.icons import (
    GRID,
    ICONS,
    PAINTS,
    RELATIONS,
    VALUES,
    ZIPF_SHIFT,
    draw_icons,
    facts,
    icon_masks,
    some_relations,
)


def test_names_are_names():
    for words in (ICONS, RELATIONS, VALUES):
        assert len(set(words)) == len(words)
    assert (
        len(ICONS) == 64
        and len(RELATIONS) == 128
        and len(VALUES) == 32
        and len(PAINTS) == 8
    )
    assert not {*ICONS, *PAINTS} & {*RELATIONS, *VALUES}


def test_every_icon_has_a_glyph_of_its_own():
    masks = icon_masks().reshape(64, -1)
    missing = glyph_masks(("\U000f0000",), "DejaVuSans.ttf", 18, 18).reshape(
        -1
    )  # what the font draws for what it lacks
    distance = (
        np.abs(masks[:, None] - np.vstack([masks, missing])[None]).sum(-1)
        + np.eye(64, 65) * 1e3
    )
    assert distance.min() > 10 and masks.sum(1).min() > 10


def test_facts_of_two_worlds_agree_by_chance_only():
    one, again, other = facts(1), facts(1), facts(2)
    assert np.array_equal(one.values, again.values) and np.array_equal(
        one.asked, again.asked
    )
    agree = (one.values == other.values).mean()
    assert abs(agree - 1 / 32) < 4 * np.sqrt(1 / 32 / one.values.size)
    assert not np.array_equal(one.asked, other.asked)
    assert np.bincount(one.values.ravel(), minlength=32).min() > 180


def test_half_of_the_facts_of_every_icon_are_asked_in_training():
    known = facts(1)
    assert (known.asked.sum(1) == 64).all()
    by_relation = known.asked.sum(0)
    assert by_relation.min() > 12 and by_relation.max() < 52, (
        "which half does not hang on the relation"
    )


def test_weights_follow_zipf():
    """The first relation is told twice as often as the second, three times as often as the third."""
    weight = facts(1).weight
    assert weight.sum() == pytest.approx(1) and ZIPF_SHIFT == 1
    for rank in range(1, 129):
        assert weight[rank - 1] == pytest.approx(weight[0] / rank)


def test_relations_are_drawn_by_weight_and_never_twice():
    weight = np.tile(np.array([4.0, 2.0, 1.0, 1.0, 0.0]), (20_000, 1))
    drawn = some_relations(np.random.default_rng(0), weight, 3)
    assert (np.diff(np.sort(drawn, axis=1)) > 0).all() and 4 not in drawn
    np.testing.assert_allclose(
        np.bincount(drawn[:, 0]) / 20_000, [0.5, 0.25, 0.125, 0.125], atol=0.015
    )
    after_first = drawn[
        drawn[:, 0] == 0, 1
    ]  # what is left is drawn by the same weights
    np.testing.assert_allclose(
        np.bincount(after_first) / len(after_first), [0, 0.5, 0.25, 0.25], atol=0.02
    )
    with pytest.raises(
        ValueError, match="5 different relations cannot be drawn from 4"
    ):
        some_relations(np.random.default_rng(0), weight[:3], 5)


def test_icons_are_painted_at_their_places_and_nowhere_else():
    """Ground and ink read back from the image, the mixture made again with a loop."""
    icon, colour, place = (
        np.array([[3, 60], [10, 11]]),
        np.array([[0, 7], [2, 5]]),
        np.array([[15, 0], [6, 9]]),
    )
    there = np.array([[True, True], [True, False]])
    images = draw_icons(np.random.default_rng(0), icon, colour, place, there).astype(
        float
    )
    for i in range(2):
        ground = images[
            i, :, 71, 0
        ]  # the last place of the first column is empty in both
        expected = np.tile(ground[:, None, None], (1, 72, 72))
        for j in np.flatnonzero(there[i]):
            top, left = 18 * (place[i, j] // GRID), 18 * (place[i, j] % GRID)
            mask = icon_masks()[icon[i, j]]
            y, x = np.argwhere(mask == mask.max())[0]
            ink = ground + (images[i, :, top + y, left + x] - ground) / mask.max()
            assert np.abs(ink - np.array(COLOURS[PAINTS[colour[i, j]]])).max() < 45
            expected[:, top : top + 18, left : left + 18] += (
                mask * (ink - ground)[:, None, None]
            )
        assert np.abs(images[i] - expected).max() <= 3
