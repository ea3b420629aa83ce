"""The task families *knowledge*, *reasoning* and *ocr*, which need different things.

*Knowledge* shows one icon; the question names a relation ("song"), and the answer is a
fact that occurs in text alone. The image says which icon, 6 bits; the rest is memory.
*Reasoning* shows two to four icons in colours that repeat, and asks for attributes,
counts, comparisons, positions and two hops through a fact ("song red": the song of the
red icon). *OCR* shows 1 to 32 letters or handwritten digits in 8 x 8 cells: "read
r3c5". The image holds up to 129 bits, and nothing has to be known.

Everything is a pure function of the seed, descriptions included, on which a language
model is pre-trained (`vlmcore.experiments.pretraining.curriculum`).
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from sklearn.datasets import load_digits

from vlmcore.data.samples import Sample
from vlmcore.data.synthetic.drawing import (
    COLOUR_NAMES,
    GRID_SIDE,
    IMAGE_SIZE,
    Seed,
    cell_corners,
    draw_glyphs,
    generator,
    letter_masks,
    pale_canvas,
    permutations,
)
from vlmcore.data.synthetic.icon_scenes import ask_facts, describe_icons
from vlmcore.data.synthetic.icons import ICONS, VALUES, Facts, IconLayout
from vlmcore.data.synthetic.scenes import Scenes, count_kind, describe_cells
from vlmcore.data.synthetic.vocabulary import (
    CONTENT_WORDS,
    OCR_DIGITS,
    OCR_LETTERS,
    OCR_POSITIONS,
    OCR_SIDE,
    REASONING_KINDS,
    SCENE_WORDS,
)

ICON_COUNTS = (2, 3, 4)
"""Icons that an image of *reasoning* may hold."""
OCR_LENGTHS = (1, 2, 4, 8, 16, 32)
"""Characters that an image of *ocr* may hold, each number as often as the others."""

_ICON_NAMES, _, _CHARACTERS = CONTENT_WORDS
_POSITION, _CHARACTER = map(SCENE_WORDS.index, ("r1c1", "a"))
_CELL = IMAGE_SIZE // OCR_SIDE
_TRAINING_DIGITS = 1200
"""The first handwritten digits are for training, the other 597 for tests."""


def knowledge(
    seed: Seed,
    count: int,
    facts: Facts,
    *,
    questions: int = 1,
    scored: bool | None = None,
    draw: bool = True,
) -> Scenes:
    """Draws one icon, and asks for facts about it.

    Args:
        seed: of the world; different seeds share no image.
        count: scenes.
        facts: what is true.
        questions: asked about each scene, all different.
        scored: whether to ask the facts that no image asks about in training (True),
            those that training may ask about (False), or all (None).
        draw: whether images are wanted.
    """
    rng = generator(seed, 11)
    sizes = len(ICONS), len(COLOUR_NAMES), GRID_SIDE**2
    icon, colour, cell = (rng.integers(size, size=(count, 1)) for size in sizes)
    layout = IconLayout(icon, colour, cell, np.ones((count, 1), bool))
    samples = [
        Sample(i, relation, value, "fact", len(VALUES))
        for i, known in enumerate(
            ask_facts(rng, layout.icon[:, 0], facts, questions, scored)
        )
        for relation, value in known
    ]
    return describe_icons(rng, samples, layout, draw)


def reasoning(
    seed: Seed,
    count: int,
    facts: Facts,
    *,
    questions: int = 1,
    scored: bool | None = None,
    draw: bool = True,
) -> Scenes:
    """Draws two to four icons, and asks questions of several kinds about them.

    The icons differ. The first has a colour of its own; the others share two colours,
    and the second and third agree in every other scene. The first and second are never
    in the same column. Arguments are those of `knowledge`; questions may repeat.
    """
    rng = generator(seed, 12)
    layout, palette = _lay_out(rng, count)
    number = layout.exists.sum(1)
    kind = rng.integers(len(REASONING_KINDS), size=(count, questions))
    swap = rng.integers(2, size=kind.shape).astype(bool)
    same, left = map(REASONING_KINDS.index, ("same", "left"))
    kind[(kind == same) & (number == 2)[:, None]] = left  # two never share a colour
    about = rng.integers(number[:, None], size=kind.shape)
    counted = rng.choice(3, size=kind.shape, p=(0.2, 0.4, 0.4))
    samples = []
    for i, known in enumerate(
        ask_facts(rng, layout.icon[:, 0], facts, questions, scored)
    ):
        objects = _Objects(
            [_ICON_NAMES[j] for j in layout.icon[i, : number[i]]],
            [COLOUR_NAMES[j] for j in layout.colour[i, : number[i]]],
            layout.cell[i] % GRID_SIDE,
        )
        for q, fact in enumerate(known):
            paint = COLOUR_NAMES[palette[i, counted[i, q]]]
            asked = REASONING_KINDS[kind[i, q]]
            reply = _ask(objects, asked, about[i, q], paint, swap[i, q], fact)
            samples.append(Sample(i, *reply[:2], asked, reply[2]))
    return describe_icons(rng, samples, layout, draw)


def _lay_out(rng: Generator, count: int) -> tuple[IconLayout, np.ndarray]:
    """Draws scenes of *reasoning*, and the three colours of each, int (count, 3)."""
    most = max(ICON_COUNTS)
    number = rng.choice(ICON_COUNTS, size=(count, 1))
    icon, cell = (
        permutations(rng, count, size)[:, :most] for size in (len(ICONS), GRID_SIDE**2)
    )
    # a first icon in the second's column moves to a free cell of another
    clash = np.flatnonzero(cell[:, 0] % GRID_SIDE == cell[:, 1] % GRID_SIDE)
    cells = np.arange(GRID_SIDE**2)
    taken = (cells == cell[clash, :, None]).any(1)
    same_column = cells % GRID_SIDE == cell[clash, 1, None] % GRID_SIDE
    cell[clash, 0] = (rng.random(taken.shape) + taken + same_column).argmin(1)
    shared = rng.integers(1, 3, size=(count, most - 1))
    palette = permutations(rng, count, len(COLOUR_NAMES))[:, :3]
    colour = np.take_along_axis(palette, np.insert(shared, 0, 0, axis=1), 1)
    return IconLayout(icon, colour, cell, np.arange(most) < number), palette


class _Objects(NamedTuple):
    """The icons of one scene of *reasoning*."""

    names: list[str]
    colours: list[str]
    columns: np.ndarray


def _ask(
    objects: _Objects,
    kind: str,
    about: int,
    counted: str,
    swap: bool,
    fact: tuple[str, str],
) -> tuple[str, str, int]:
    """Returns a question, its answer, and how many answers make sense.

    Args:
        objects: what the scene holds.
        kind: of `REASONING_KINDS`.
        about: the object whose colour is asked for.
        counted: the colour whose objects are counted.
        swap: whether two objects are named in the other order.
        fact: a relation and its value, true of the first object.
    """
    names, colours, columns = objects
    match kind:
        case "color":
            return f"color {names[about]}", colours[about], len(COLOUR_NAMES)
        case "icon":
            return f"icon {colours[0]}", names[0], len(ICONS)
        case "count":
            return f"count {counted}", str(colours.count(counted)), max(ICON_COUNTS)
        case "same":
            one, other = (1, 2) if swap else (2, 1)
            yes = colours[1] == colours[2]
        case "left":
            one, other = (0, 1) if swap else (1, 0)
            yes = columns[one] < columns[other]
        case _:
            return f"{fact[0]} {colours[0]}", fact[1], len(VALUES)
    return f"{kind} {names[one]} {names[other]}", "yes" if yes else "no", 2


def ocr(
    seed: Seed,
    count: int,
    *,
    questions: int = 1,
    scored: bool = False,
    draw: bool = True,
) -> Scenes:
    """Draws letters or handwritten digits; a question names a cell that holds one.

    Args:
        seed: of the world; different seeds share no image.
        count: scenes.
        questions: asked about each, of characters drawn with replacement.
        scored: whether to use the handwriting that training never sees.
        draw: whether images are wanted.
    """
    rng = generator(seed, 13)
    number = rng.choice(OCR_LENGTHS, size=count)
    written = rng.integers(2, size=(count, 1)).astype(bool)
    cell = permutations(rng, count, OCR_SIDE**2)[:, : max(OCR_LENGTHS)]
    exists = np.arange(cell.shape[1]) < number[:, None]
    handwriting, digit = _handwriting(scored)
    pick = rng.integers(len(digit), size=cell.shape)
    letter = rng.integers(len(OCR_LETTERS), size=cell.shape)
    character = np.where(written, len(OCR_LETTERS) + digit[pick], letter)
    asked = rng.integers(number[:, None], size=(count, questions))
    samples = [
        Sample(
            i,
            f"read {OCR_POSITIONS[cell[i, j]]}",
            _CHARACTERS[character[i, j]],
            count_kind(number[i], "character"),
            len(OCR_DIGITS if written[i] else OCR_LETTERS),
        )
        for i in range(count)
        for j in asked[i]
    ]
    positions = _POSITION + np.arange(OCR_SIDE**2)[:, None]
    words = _CHARACTER + character[..., None]
    images = None
    if draw:
        glyph = np.where(written, len(OCR_LETTERS) + pick, letter)
        images = _draw_characters(rng, glyph, handwriting, cell, exists)
    return Scenes(samples, describe_cells(positions, cell, words, exists), images, 1)


def _draw_characters(
    rng: Generator,
    glyph: np.ndarray,
    handwriting: np.ndarray,
    cell: np.ndarray,
    exists: np.ndarray,
) -> np.ndarray:
    """Draws printed letters and handwritten digits, numbered in this order."""
    canvas = pale_canvas(rng, len(glyph))
    ink = rng.uniform(0, 80, (len(glyph), 1, 3)).astype(np.float32)
    masks = np.concatenate([letter_masks(OCR_LETTERS, _CELL + 2, _CELL), handwriting])
    return draw_glyphs(canvas, masks, glyph, cell_corners(cell, OCR_SIDE), ink, exists)


@cache
def _handwriting(scored: bool) -> tuple[np.ndarray, np.ndarray]:
    """Returns scikit-learn's digits as masks, float32 (n, 9, 9), and what they are."""
    data = load_digits()
    part = slice(_TRAINING_DIGITS, None) if scored else slice(_TRAINING_DIGITS)
    masks = np.zeros((len(data.target[part]), _CELL, _CELL), np.float32)
    masks[:, :8, :8] = data.images[part] / 16
    return masks, data.target[part]
