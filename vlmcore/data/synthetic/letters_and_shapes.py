"""Two worlds in which an image holds several things, and a question asks about one of them.

*Reading*: 1, 2, 4 or 8 letters on a grid of 4 x 4 places, "which letter is at r2c3".
*Attribute*: two or three shapes of different colours and forms, "which color is the
circle", "which shape is blue". Every question ends in the word to look for.

A scene is also written down as *notes*: for each of the 16 places, the words for what
is there. From notes a miniature language model learns its language before it sees
(`vlmcore.experiments.pretraining.scene_tokens`). Everything is a pure function of the
seed.
"""

from typing import NamedTuple

import numpy as np

from vlmcore.data.samples import Sample
from vlmcore.data.synthetic.captioned_shapes import COLOURS, SHAPES, coverage
from vlmcore.data.synthetic.drawing import (
    Seed,
    generator,
    glyph_masks,
    pale_canvas,
    paste,
    permutations,
)

GRID = 4
"""Places along one side."""
IMAGE_SIZE = 72
LETTERS = tuple("bcdfghjklmnprtxz")
PLACES = tuple(
    f"r{row}c{column}" for row in range(1, GRID + 1) for column in range(1, GRID + 1)
)
COUNTS = {"letters": (1, 2, 4, 8), "attribute": (2, 3)}
"""How many things an image may hold."""
WORDS = (*PLACES, *LETTERS, *COLOURS, *SHAPES)
"""Every word of a note."""
QUESTION_WORDS = ("which", "letter", "is", "at", "color", "the", "shape")

_CELL = IMAGE_SIZE // GRID
_GLYPH = 16
_NUMBER = {word: i for i, word in enumerate(WORDS)}


class Scenes(NamedTuple):
    """Scenes with their questions."""

    samples: list[Sample]
    notes: np.ndarray
    """int (n, places, words): for each place its own word and those for what is there,
    numbers of the world's words; -1 for none."""
    images: np.ndarray | None
    """uint8 (n, 3, 72, 72), or None for scenes that are only told."""
    where: int = 0
    """How many of the words, the first ones, say where the place is and are averaged,
    not summed, in a note about several places."""

    def drawn(self) -> np.ndarray:
        """The images.

        Raises:
            ValueError: the scenes were only told.
        """
        if self.images is None:
            raise ValueError(
                f"these {len(self.notes)} scenes have no images; make them with "
                "draw=True"
            )
        return self.images


def letters(seed: Seed, count: int, *, questions: int = 1, draw: bool = True) -> Scenes:
    """Letters at places; the question names a place that holds one.

    Args:
        seed: names the world; two seeds share no image.
        count: scenes.
        questions: asked about each, of letters drawn with replacement.
        draw: whether images are wanted.
    """
    rng = generator(seed, 1)
    number = rng.choice(COUNTS["letters"], size=count)
    place = permutations(rng, count, GRID**2)[:, : max(COUNTS["letters"])]
    letter = rng.integers(len(LETTERS), size=place.shape)
    there = np.arange(place.shape[1]) < number[:, None]
    notes = _empty_descriptions(count)
    scene, slot = np.nonzero(there)
    notes[scene, place[scene, slot], 1] = _NUMBER[LETTERS[0]] + letter[scene, slot]
    asked = rng.integers(number[:, None], size=(count, questions))
    samples = [
        Sample(
            i,
            f"which letter is at {PLACES[place[i, j]]}",
            LETTERS[letter[i, j]],
            _kind(number[i], "letter"),
            len(LETTERS),
        )
        for i in range(count)
        for j in asked[i]
    ]
    return Scenes(
        samples, notes, _draw_letters(rng, letter, place, there) if draw else None
    )


def attribute(
    seed: Seed, count: int, *, questions: int = 1, draw: bool = True
) -> Scenes:
    """Shapes of different colours and forms; the question names one of the two and asks for the other.

    Args:
        seed: names the world; two seeds share no image.
        count: scenes.
        questions: asked about each, of shapes drawn with replacement.
        draw: whether images are wanted.
    """
    rng = generator(seed, 2)
    number = rng.choice(COUNTS["attribute"], size=count)
    most = max(COUNTS["attribute"])
    colour, shape = (
        permutations(rng, count, len(words))[:, :most] for words in (COLOURS, SHAPES)
    )
    there = np.arange(most) < number[:, None]
    extent = rng.uniform(7, 11, (count, most))
    room = (
        IMAGE_SIZE // 3
        # shapes lie in different cells of a 3 x 3 grid, which keeps them apart and off
        # the edges of the 4 x 4 places
    )
    corner = (
        np.stack(np.divmod(permutations(rng, count, 9)[:, :most], 3)[::-1], -1) * room
    )
    centre = (
        corner
        + extent[..., None]
        + rng.uniform(0, 1, (count, most, 2)) * (room - 2 * extent[..., None])
    )
    place = (centre[..., 1] // _CELL * GRID + centre[..., 0] // _CELL).astype(int)
    notes = _empty_descriptions(count)
    scene, slot = np.nonzero(there)
    names = np.stack(
        [_NUMBER[next(iter(COLOURS))] + colour, _NUMBER[SHAPES[0]] + shape], -1
    )
    notes[scene, place[scene, slot], 1:] = names[scene, slot]
    asked, about_colour = (
        rng.integers(number[:, None], size=(count, questions)),
        rng.integers(2, size=(count, questions)),
    )
    samples = [
        _ask_attribute(
            i,
            WORDS[names[i, j, 0]],
            WORDS[names[i, j, 1]],
            bool(c),
            _kind(number[i], "shape"),
        )
        for i in range(count)
        for j, c in zip(asked[i], about_colour[i], strict=True)
    ]
    return Scenes(
        samples,
        notes,
        _draw_shapes(rng, colour, shape, centre, extent, there) if draw else None,
    )


WORLDS = {"letters": letters, "attribute": attribute}


def _ask_attribute(
    image: int, colour: str, shape: str, about_colour: bool, kind: str
) -> Sample:
    if about_colour:
        return Sample(image, f"which color is the {shape}", colour, kind, len(COLOURS))
    return Sample(image, f"which shape is {colour}", shape, kind, len(SHAPES))


def _kind(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _empty_descriptions(count: int) -> np.ndarray:
    notes = np.full((count, GRID**2, 3), -1)
    notes[:, :, 0] = np.arange(GRID**2)
    return notes


def glyphs() -> np.ndarray:
    """Shares of the pixels that each of the `LETTERS`, in capitals, covers: float32 (16, 16, 16)."""
    return glyph_masks(
        tuple(letter.upper() for letter in LETTERS),
        "DejaVuSansMono-Bold.ttf",
        _GLYPH,
        _GLYPH,
    )


def _draw_letters(
    rng: np.random.Generator, letter: np.ndarray, place: np.ndarray, there: np.ndarray
) -> np.ndarray:
    canvas = pale_canvas(rng, len(letter), IMAGE_SIZE)
    ink = rng.uniform(0, 80, (len(letter), 3)).astype(np.float32)
    shift = rng.integers(_CELL - _GLYPH + 1, size=(*place.shape, 2))
    corner = _CELL * np.stack(np.divmod(place, GRID), -1) + shift
    for j in range(place.shape[1]):
        i = np.flatnonzero(there[:, j])
        paste(canvas, i, glyphs()[letter[i, j]], corner[i, j], ink[i])
    return canvas.round().astype(np.uint8)


def _draw_shapes(
    rng: np.random.Generator,
    colour: np.ndarray,
    shape: np.ndarray,
    centre: np.ndarray,
    extent: np.ndarray,
    there: np.ndarray,
) -> np.ndarray:
    canvas = pale_canvas(rng, len(colour), IMAGE_SIZE)
    palette = np.array(list(COLOURS.values()), dtype=np.float32)
    paint = np.clip(
        palette[colour] + rng.normal(0, 8, (*colour.shape, 3)), 0, 255
    ).astype(np.float32)
    for j in range(colour.shape[1]):
        cover = (
            coverage(
                shape[:, j], centre[:, j], np.stack([extent[:, j]] * 2, -1), IMAGE_SIZE
            )
            * there[:, j, None, None]
        )
        canvas += cover[:, None] * (paint[:, j, :, None, None] - canvas)
    return canvas.round().astype(np.uint8)
