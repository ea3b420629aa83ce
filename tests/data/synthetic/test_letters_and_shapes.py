import numpy as np
import pytest

from vlmcore.data.synthetic.captioned_shapes import COLOURS, SHAPES
from vlmcore.data.synthetic.letters_and_shapes import (
    COUNTS,
    GRID,
    LETTERS,
    PLACES,
    WORDS,
    WORLDS,
    attribute,
    glyphs,
    letters,
)

CELL = 72 // GRID


@pytest.fixture(params=WORLDS)
def world(request):
    return request.param


def things(notes):
    """What a scene holds, by place: {"r2c3": ("k",)} or {"r1c1": ("red", "circle")}."""
    words = [[WORDS[i] for i in note if i >= 0] for note in notes]
    return {place: tuple(rest) for place, *rest in words if rest}


def test_a_world_is_a_function_of_its_seed(world):
    one, same, other = (WORLDS[world](seed, 30, questions=2) for seed in (5, 5, 6))
    assert (
        one.samples == same.samples
        and np.array_equal(one.images, same.images)
        and np.array_equal(one.notes, same.notes)
    )
    assert one.samples != other.samples
    assert (
        one.images.shape == (30, 3, 72, 72)
        and one.images.dtype == np.uint8
        and len(one.samples) == 60
    )


def test_told_scenes_have_no_images(world):
    told = WORLDS[world](5, 30, draw=False)
    assert told.images is None and len(told.samples) == 30
    with pytest.raises(ValueError, match="30 scenes have no images"):
        told.drawn()


def test_answers_follow_from_the_notes(world):
    """An independent reading of the question finds its answer in the notes, and the number of things in the kind."""
    scenes = WORLDS[world](7, 200, questions=3, draw=False)
    for sample in scenes.samples:
        there = things(scenes.notes[sample.image])
        key = sample.question.split()[-1]
        if world == "letters":
            assert there[key] == (sample.answer,)
        else:
            (found,) = [thing for thing in there.values() if key in thing]
            assert sample.answer in found and sample.answer != key
            assert sample.choices == (
                len(COLOURS) if sample.answer in COLOURS else len(SHAPES)
            )
        assert sample.kind.split()[0] == str(len(there))
    assert {int(sample.kind.split()[0]) for sample in scenes.samples} == set(
        COUNTS[world]
    )


def test_shapes_of_a_scene_differ_in_colour_and_form():
    for notes in attribute(3, 100, draw=False).notes:
        colours, shapes = zip(*things(notes).values(), strict=True)
        assert len(set(colours)) == len(colours) and len(set(shapes)) == len(shapes)


def test_letters_are_drawn_where_the_notes_say():
    """Planted: the ink of each cell matches its letter better than any other; empty cells have none."""
    scenes = letters(11, 40)
    gray = scenes.images.astype(float).mean(1)
    ink = np.abs(gray - gray.max(axis=(1, 2), keepdims=True))
    for image, notes in zip(ink, scenes.notes, strict=True):
        there = things(notes)
        for i, place in enumerate(PLACES):
            top, left = CELL * (i // GRID), CELL * (i % GRID)
            cell = image[top : top + CELL, left : left + CELL]
            if place not in there:
                assert cell.max() < 2
                continue
            windows = [cell[y : y + 16, x : x + 16] for y in range(3) for x in range(3)]
            match = [
                max(
                    (w * g).sum() / np.sqrt((w**2).sum() * (g**2).sum())
                    for w in windows
                )
                for g in glyphs()
            ]
            assert LETTERS[int(np.argmax(match))] == there[place][0]


def test_shapes_are_drawn_where_the_notes_say():
    scenes = attribute(11, 40)
    for image, notes in zip(scenes.images, scenes.notes, strict=True):
        for place, (colour, _) in things(notes).items():
            row, column = int(place[1]) - 1, int(place[3]) - 1
            cell = image[
                :, row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL
            ].astype(int)
            near = np.abs(cell - np.array(COLOURS[colour])[:, None, None]).max(0) < 40
            assert near.sum() > 8, (place, colour)
