"""The worlds *letters* and *attribute*: several objects an image, a question about one.

*Letters* has 1, 2, 4 or 8 letters in a grid of 4 x 4 cells: "which letter is at r2c3".
*Attribute* has two or three objects that differ in colour and shape: "which color is
the circle", "which shape is blue". Every question ends in the word to look for.

Everything is a pure function of the seed, the description of each scene included: a
miniature language model is pre-trained on descriptions before it sees an image
(`vlmcore.experiments.pretraining.scene_tokens`).
"""

import numpy as np
from numpy.random import Generator

from vlmcore.data.samples import Sample
from vlmcore.data.synthetic.drawing import (
    COLOUR_NAMES,
    GRID_SIDE,
    IMAGE_SIZE,
    SHAPES,
    Seed,
    cell_corners,
    draw_glyphs,
    draw_shapes,
    generator,
    letter_masks,
    pale_canvas,
    permutations,
    shades,
)
from vlmcore.data.synthetic.scenes import (
    Scenes,
    count_kind,
    describe_cells,
    position_names,
)

GRID_POSITIONS = position_names(GRID_SIDE)
GRID_LETTERS = tuple("bcdfghjklmnprtxz")
OBJECT_COUNTS = {"letters": (1, 2, 4, 8), "attribute": (2, 3)}
"""How many letters or shapes an image may hold."""
DESCRIPTION_WORDS = (*GRID_POSITIONS, *GRID_LETTERS, *COLOUR_NAMES, *SHAPES)
"""Every word of a description."""
QUESTION_WORDS = ("which", "letter", "is", "at", "color", "the", "shape")

_CELL = IMAGE_SIZE // GRID_SIDE
_LETTER_SIZE = 16
_LETTER, _COLOUR, _SHAPE = map(DESCRIPTION_WORDS.index, ("b", "red", "circle"))


def letters(seed: Seed, count: int, *, questions: int = 1, draw: bool = True) -> Scenes:
    """Draws letters in the cells of a grid; a question names a cell that holds one.

    Args:
        seed: of the world; different seeds share no image.
        count: scenes.
        questions: asked about each, of letters drawn with replacement.
        draw: whether images are wanted.
    """
    rng = generator(seed, 1)
    number = rng.choice(OBJECT_COUNTS["letters"], size=count)
    cell = permutations(rng, count, GRID_SIDE**2)[:, : max(OBJECT_COUNTS["letters"])]
    letter = rng.integers(len(GRID_LETTERS), size=cell.shape)
    exists = np.arange(cell.shape[1]) < number[:, None]
    asked = rng.integers(number[:, None], size=(count, questions))
    samples = [
        Sample(
            i,
            f"which letter is at {GRID_POSITIONS[cell[i, j]]}",
            GRID_LETTERS[letter[i, j]],
            count_kind(number[i], "letter"),
            len(GRID_LETTERS),
        )
        for i in range(count)
        for j in asked[i]
    ]
    words = np.stack([_LETTER + letter, np.full_like(letter, -1)], -1)
    images = _draw_letters(rng, letter, cell, exists) if draw else None
    return Scenes(samples, _describe(cell, words, exists), images)


def attribute(
    seed: Seed, count: int, *, questions: int = 1, draw: bool = True
) -> Scenes:
    """Draws objects; a question names one by its colour or shape and asks the other.

    Args:
        seed: of the world; different seeds share no image.
        count: scenes.
        questions: asked about each, of objects drawn with replacement.
        draw: whether images are wanted.
    """
    rng = generator(seed, 2)
    number = rng.choice(OBJECT_COUNTS["attribute"], size=count)
    most = max(OBJECT_COUNTS["attribute"])
    colour, shape = (
        permutations(rng, count, len(names))[:, :most]
        for names in (COLOUR_NAMES, SHAPES)
    )
    exists = np.arange(most) < number[:, None]
    centre, extent = _lay_out(rng, count, most)
    asked = rng.integers(number[:, None], size=(count, questions))
    by_shape = rng.integers(2, size=(count, questions))
    samples = [
        _ask_attribute(
            i,
            COLOUR_NAMES[colour[i, j]],
            SHAPES[shape[i, j]],
            bool(by_shape[i, q]),
            count_kind(number[i], "shape"),
        )
        for i in range(count)
        for q, j in enumerate(asked[i])
    ]
    cell = (centre[..., 1] // _CELL * GRID_SIDE + centre[..., 0] // _CELL).astype(int)
    words = np.stack([_COLOUR + colour, _SHAPE + shape], -1)
    images = None
    if draw:
        canvas, ink = pale_canvas(rng, count), shades(rng, colour)
        images = draw_shapes(canvas, shape, centre, extent, ink, exists)
    return Scenes(samples, _describe(cell, words, exists), images)


WORLDS = {"letters": letters, "attribute": attribute}


def _lay_out(rng: Generator, count: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws centres and extents of objects, float (count, most, 2).

    Objects lie in different cells of a 3 x 3 grid, which keeps them apart and off the
    edges of the 4 x 4 cells that describe them.
    """
    extent = rng.uniform(7, 11, (count, most, 1))
    room = IMAGE_SIZE // 3
    cell = permutations(rng, count, 9)[:, :most]
    corner = np.stack([cell % 3, cell // 3], -1) * room
    centre = corner + extent + rng.uniform(0, 1, (count, most, 2)) * (room - 2 * extent)
    return centre, np.repeat(extent, 2, axis=-1)


def _ask_attribute(
    image: int, colour: str, shape: str, by_shape: bool, kind: str
) -> Sample:
    if by_shape:
        question = f"which color is the {shape}"
        return Sample(image, question, colour, kind, len(COLOUR_NAMES))
    return Sample(image, f"which shape is {colour}", shape, kind, len(SHAPES))


def _describe(cell: np.ndarray, words: np.ndarray, exists: np.ndarray) -> np.ndarray:
    return describe_cells(np.arange(GRID_SIDE**2)[:, None], cell, words, exists)


def _draw_letters(
    rng: Generator, letter: np.ndarray, cell: np.ndarray, exists: np.ndarray
) -> np.ndarray:
    canvas = pale_canvas(rng, len(letter))
    ink = rng.uniform(0, 80, (len(letter), 1, 3)).astype(np.float32)
    shift = rng.integers(_CELL - _LETTER_SIZE + 1, size=(*cell.shape, 2))
    masks = letter_masks(GRID_LETTERS, _LETTER_SIZE, _LETTER_SIZE)
    return draw_glyphs(canvas, masks, letter, cell_corners(cell) + shift, ink, exists)
