"""Scenes of flags: repeatable, with the right answers, and no overlap between parts."""

import numpy as np
import pytest

from vlmcore.data.flags.captions import caption_names, captioned_flags
from vlmcore.data.flags.drawing import ALPHABET, IMAGE_SIZE
from vlmcore.data.flags.scenes import FAMILIES, NUMBERS, QUADRANTS, scenes
from vlmcore.data.flags.world import load_world

WORLD = load_world()
TEST = WORLD.part("test")


def make(family, count, seed=1, **options):
    return scenes(WORLD, family, seed, count, TEST, **options)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_seed_makes_the_same_scenes_with_and_without_images(family):
    drawn, plain = make(family, 6), make(family, 6, draw=False)
    assert drawn.images.shape == (6, 3, IMAGE_SIZE, IMAGE_SIZE)
    assert drawn.samples == plain.samples and plain.images is None
    assert np.array_equal(drawn.centre, plain.centre)
    assert np.array_equal(drawn.images, make(family, 6).images)
    assert not np.array_equal(drawn.images, make(family, 6, seed=2).images)


@pytest.mark.parametrize("family", FAMILIES)
def test_objects_are_drawn_where_they_are_said_to_be(family):
    """Pixels around the centres differ from the background."""
    made = make(family, 8)
    for image, glyph, centre in zip(made.images, made.glyph, made.centre, strict=True):
        for x, y in centre[glyph >= 0]:
            row, column = int(y * IMAGE_SIZE), int(x * IMAGE_SIZE)
            near = image[
                :, max(0, row - 9) : row + 10, max(0, column - 9) : column + 10
            ]
            assert np.ptp(near, (1, 2)).max() > 60
        assert ((centre >= 0) & (centre <= 1)).all()


def test_knowledge_asks_every_country_once_before_any_twice():
    made = make("knowledge", 260, draw=False)
    asked = [
        (WORLD.names[g], s.kind) for g, s in zip(made.asked, made.samples, strict=True)
    ]
    names = [name for name, _ in asked]
    assert set(names[:130]) == set(names[130:]) and len(set(asked)) == 260
    count = (made.glyph >= 0).sum(1)
    assert 0.4 < (count == 1).mean() < 0.6 and set(count) == {1, 2, 3, 4}
    for (name, kind), accepted in zip(asked, made.accepted, strict=True):
        assert list(accepted) == WORLD.country(name).facts[kind]


def test_which_country_follows_from_places():
    made = make("which", 80, draw=False)
    for row, sample in enumerate(made.samples):
        glyph, centre = made.glyph[row].tolist(), made.centre[row]
        place = [QUADRANTS[2 * (y > 0.5) + (x > 0.5)] for x, y in centre]
        if sample.kind == "position":
            (word,) = (q for q in QUADRANTS if q in sample.question)
            slot = place.index(word)
        else:
            (near,) = (
                i for i in (1, 3) if f" {WORLD.names[glyph[i]]} in" in sample.question
            )
            (slot,) = (
                i for i in (0, 2) if place[i].split()[0] == place[near].split()[0]
            )
        assert WORLD.names[glyph[slot]] == sample.answer
        assert made.asked[row] == glyph[slot]


def test_numbers_and_sameness_follow_from_the_flags():
    made = make("count", 80, draw=False)
    for glyph, sample in zip(made.glyph, made.samples, strict=True):
        flags = glyph[(glyph >= 0) & (glyph < len(WORLD.countries))]
        if sample.kind == "number":
            assert sample.answer == NUMBERS[len(flags) - 1]
        else:
            assert (sample.answer == "yes") == (flags[0] == flags[1])


def test_letters_are_read_in_rows_and_strings_belong_to_one_part():
    strings = {}
    for part in ("test", "development", "training"):
        made = make("ocr", 400, part=part, draw=False)
        strings[part] = {s.answer for s in made.samples if len(s.answer) > 1}
        for glyph, centre, sample in zip(
            made.glyph, made.centre, made.samples, strict=True
        ):
            there = [i for i in range(8) if glyph[i] >= 0]
            cells = [(int(centre[i, 1] * 6), int(centre[i, 0] * 6)) for i in there]
            assert len(set(cells)) == len(cells), "one letter a cell of six by six"
            order = sorted(there, key=lambda i: cells[there.index(i)])
            letters = [ALPHABET[glyph[i] - len(WORLD.names)] for i in order]
            assert " ".join(letters) == sample.answer
    assert not strings["test"] & strings["training"]
    assert not strings["test"] & strings["development"]


def test_an_unknown_family_gets_a_sentence():
    with pytest.raises(ValueError, match="no family 'maps'; choose from knowledge"):
        make("maps", 1)


def test_captions_name_what_is_shown_and_no_fact():
    batch = captioned_flags(WORLD, 0, 3, 40)
    assert batch.images.shape == (40, 3, IMAGE_SIZE, IMAGE_SIZE)
    again = captioned_flags(WORLD, 0, 3, 40)
    assert np.array_equal(batch.images, again.images) and batch[1] == again[1]
    names = set(caption_names(WORLD))
    for caption in batch.captions:
        left = caption
        for name in sorted(names, key=len, reverse=True):
            left = left.replace(name, "")
        assert not left.replace(" and ", "").strip(), caption
