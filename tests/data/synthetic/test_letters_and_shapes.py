import numpy as np
import pytest

from vlmcore.data.synthetic.drawing import COLOURS, GRID_SIDE, letter_masks
from vlmcore.data.synthetic.letters_and_shapes import (
    DESCRIPTION_WORDS,
    GRID_LETTERS,
    GRID_POSITIONS,
    OBJECT_COUNTS,
    WORLDS,
    attribute,
    letters,
)


@pytest.fixture(params=WORLDS)
def world(request):
    return request.param


def objects(description):
    """The content of a scene: {"r2c3": ["k"]} or {"r1c1": ["red", "circle"]}."""
    words = [[DESCRIPTION_WORDS[i] for i in cell if i >= 0] for cell in description]
    return {position: found for position, *found in words if found}


def cells_of(image):
    """The 16 cells of an image, in rows: (16, 3, 18, 18)."""
    cells = image.astype(int).reshape(3, GRID_SIDE, 18, GRID_SIDE, 18)
    return cells.transpose(1, 3, 0, 2, 4).reshape(16, 3, 18, 18)


def test_a_world_is_a_function_of_its_seed(world):
    one, same, other = (WORLDS[world](seed, 30, questions=2) for seed in (5, 5, 6))
    assert one.samples == same.samples != other.samples
    assert np.array_equal(one.images, same.images)
    assert np.array_equal(one.descriptions, same.descriptions)
    assert one.images.shape == (30, 3, 72, 72) and one.images.dtype == np.uint8
    assert len(one.samples) == 60


def test_described_scenes_have_no_images(world):
    described = WORLDS[world](5, 30, draw=False)
    assert described.images is None and len(described.samples) == 30
    with pytest.raises(ValueError, match="30 scenes have no images"):
        described.drawn()


def test_answers_follow_from_the_descriptions(world):
    """The kind is checked too: it says how many objects there are."""
    scenes = WORLDS[world](7, 200, questions=3, draw=False)
    for sample in scenes.samples:
        shown = objects(scenes.descriptions[sample.image])
        key = sample.question.split()[-1]
        if world == "letters":
            assert shown[key] == [sample.answer]
        else:
            (named,) = [words for words in shown.values() if key in words]
            assert set(named) == {key, sample.answer}
            assert sample.choices == (8 if sample.answer in COLOURS else 3)
        assert sample.kind.split()[0] == str(len(shown))
    counts = {int(sample.kind.split()[0]) for sample in scenes.samples}
    assert counts == set(OBJECT_COUNTS[world])


def test_objects_of_a_scene_differ_in_colour_and_shape():
    for description in attribute(3, 100, draw=False).descriptions:
        for words in zip(*objects(description).values(), strict=True):
            assert len(set(words)) == len(words)


def test_letters_are_drawn_where_the_description_says():
    """The ink of a cell matches its letter best; empty cells have none."""
    scenes, glyphs = letters(11, 40), letter_masks(GRID_LETTERS, 16, 16)
    for image, description in zip(scenes.images, scenes.descriptions, strict=True):
        shown = objects(description)
        ink = image.astype(float).mean(0).max() - cells_of(image).mean(1)
        for position, cell in zip(GRID_POSITIONS, ink, strict=True):
            if position not in shown:
                assert cell.max() < 2
                continue
            crops = np.lib.stride_tricks.sliding_window_view(cell, (16, 16))
            crops = crops / np.linalg.norm(crops, axis=(2, 3), keepdims=True)
            match = np.einsum("yxhw,lhw->lyx", crops, glyphs).max((1, 2))
            best = (match / np.linalg.norm(glyphs, axis=(1, 2))).argmax()
            assert [GRID_LETTERS[best]] == shown[position]


def test_shapes_are_drawn_where_the_description_says():
    scenes = attribute(11, 40)
    for image, description in zip(scenes.images, scenes.descriptions, strict=True):
        for position, (colour, _) in objects(description).items():
            cell = cells_of(image)[GRID_POSITIONS.index(position)].reshape(3, -1).T
            near = np.abs(cell - np.array(COLOURS[colour])).max(1) < 40
            assert near.sum() > 8, (position, colour)
