"""Three families of questions that ask different things of the two dials: *knowledge*, *reasoning* and *reading*.

*Knowledge*: one icon; the question names a relation ("song"), and the answer is a fact
that only text has told. The image says which icon, 6 bits, and the rest is memory.
*Reasoning*: two to four icons in colours that repeat; attribute, count, comparison,
place, and two hops through a known fact ("song red": the song of the red one).
*Reading*: a page of 1 to 32 letters or handwritten digits on 8 x 8 places, "read r3c5".
The image holds up to 129 bits, and nothing has to be known.

Everything is a pure function of the seed. Scenes are also written down as notes, the
words for what is at each place, from which a language model learns before it sees
(`vlmcore.experiments.pretraining.curriculum`).
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits

from vlmcore.data.samples import Sample
from vlmcore.data.synthetic.drawing import (
    Seed,
    generator,
    glyph_masks,
    pale_canvas,
    paste,
    permutations,
)
from vlmcore.data.synthetic.icons import (
    COLUMNS,
    GRID,
    ICONS,
    IMAGE_SIZE,
    PAINTS,
    RELATIONS,
    ROWS,
    VALUES,
    Facts,
    draw_icons,
    some_relations,
)
from vlmcore.data.synthetic.letters_and_shapes import Scenes

PAGE = 8
"""Places along one side of a page."""
PLACES = tuple(
    f"r{row}c{column}" for row in range(1, PAGE + 1) for column in range(1, PAGE + 1)
)
LETTERS = tuple("abcdefghjklmnprt")
DIGITS = tuple("0123456789")
CHARACTERS = (*LETTERS, *DIGITS)
LENGTHS = (1, 2, 4, 8, 16, 32)
"""Characters that a page may hold, each as often as the others."""
OBJECTS = (2, 3, 4)
"""Icons that an image of *reasoning* may hold."""
KINDS = ("color", "icon", "count", "same", "left", "hop")
"""What *reasoning* asks."""
CONTENTS = (tuple(ICONS), PAINTS, CHARACTERS)
"""The words that may fill a place, by kind."""
SCENE_WORDS = (*ICONS, *PAINTS, *COLUMNS, *ROWS, *PLACES, *CHARACTERS)
"""Every word of a note."""
TEXT_WORDS = (
    *RELATIONS,
    *VALUES,
    "read",
    "color",
    "icon",
    "count",
    "same",
    "left",
    "yes",
    "no",
)

_ICON, _PAINT, _COLUMN, _ROW, _PLACE, _CHARACTER = np.cumsum(
    [0, len(ICONS), len(PAINTS), len(COLUMNS), len(ROWS), len(PLACES)]
)
_NAMES = tuple(ICONS)
_CELL = IMAGE_SIZE // PAGE
_WRITTEN = 1200
"""Handwritten digits up to this one are for training, the other 597 for tests."""


def knowledge(
    seed: Seed,
    count: int,
    facts: Facts,
    *,
    questions: int = 1,
    scored: bool | None = None,
    draw: bool = True,
) -> Scenes:
    """One icon, and facts about it.

    Args:
        seed: names the world; two seeds share no image.
        count: scenes.
        facts: what is true.
        questions: asked about each scene, all different.
        scored: ask only facts that no image asks about in training, or only the others,
            or all (None).
        draw: whether images are wanted.
    """
    rng = generator(seed, 11)
    icon, colour = (
        rng.integers(len(ICONS), size=(count, 1)),
        rng.integers(len(PAINTS), size=(count, 1)),
    )
    place, there = rng.integers(GRID**2, size=(count, 1)), np.ones((count, 1), bool)
    relation = some_relations(rng, _weights(facts, icon[:, 0], scored), questions)
    samples = [
        Sample(
            i, RELATIONS[r], VALUES[facts.values[icon[i, 0], r]], "fact", len(VALUES)
        )
        for i in range(count)
        for r in relation[i]
    ]
    return Scenes(
        samples,
        describe_icons(icon, colour, place, there),
        draw_icons(rng, icon, colour, place, there) if draw else None,
        where=2,
    )


def reasoning(
    seed: Seed,
    count: int,
    facts: Facts,
    *,
    questions: int = 1,
    scored: bool | None = None,
    draw: bool = True,
) -> Scenes:
    """Two to four icons, and questions of several kinds about them.

    The icons differ. The first has a colour of its own; the others share two colours,
    and the second and third agree in every other scene. The first and second never
    stand in the same column. Arguments as for `knowledge`; questions may repeat.
    """
    rng = generator(seed, 12)
    most = max(OBJECTS)
    number = rng.choice(OBJECTS, size=count)
    there = np.arange(most) < number[:, None]
    icon, place = (
        permutations(rng, count, size)[:, :most] for size in (len(ICONS), GRID**2)
    )
    clash = place[:, 0] % GRID == place[:, 1] % GRID
    place[clash, 0] = _elsewhere(rng, place[clash])
    share = np.concatenate(
        [np.zeros((count, 1), int), rng.integers(1, 3, size=(count, most - 1))], 1
    )
    palette = permutations(rng, count, len(PAINTS))[:, :3]
    colour = np.take_along_axis(palette, share, 1)
    thing = _Thing(icon, colour, place % GRID, palette, number)

    kind, swap = (
        rng.integers(len(KINDS), size=(count, questions)),
        rng.integers(2, size=(count, questions)).astype(bool),
    )
    kind[(kind == KINDS.index("same")) & (number == 2)[:, None]] = KINDS.index(
        "left"
    )  # two icons never share a colour
    about, paint = (
        rng.integers(number[:, None], size=swap.shape),
        rng.choice(3, size=swap.shape, p=(0.2, 0.4, 0.4)),
    )
    relation = some_relations(rng, _weights(facts, icon[:, 0], scored), questions)
    value = np.take_along_axis(facts.values[icon[:, 0]], relation, 1)
    samples = [
        _ask(
            thing,
            i,
            KINDS[kind[i, q]],
            about[i, q],
            paint[i, q],
            swap[i, q],
            relation[i, q],
            value[i, q],
        )
        for i in range(count)
        for q in range(questions)
    ]
    return Scenes(
        samples,
        describe_icons(icon, colour, place, there),
        draw_icons(rng, icon, colour, place, there) if draw else None,
        where=2,
    )


class _Thing(NamedTuple):
    icon: np.ndarray
    colour: np.ndarray
    column: np.ndarray
    palette: np.ndarray
    number: np.ndarray


def _ask(
    thing: _Thing,
    i: int,
    kind: str,
    about: int,
    paint: int,
    swap: bool,
    relation: int,
    value: int,
) -> Sample:
    """One question of *reasoning* about scene i."""
    names, paints = (
        [_NAMES[j] for j in thing.icon[i]],
        [PAINTS[j] for j in thing.colour[i]],
    )
    match kind:
        case "color":
            return Sample(i, f"color {names[about]}", paints[about], kind, len(PAINTS))
        case "icon":
            return Sample(i, f"icon {paints[0]}", names[0], kind, len(ICONS))
        case "count":
            colour = thing.palette[i, paint]
            return Sample(
                i,
                f"count {PAINTS[colour]}",
                str((thing.colour[i, : thing.number[i]] == colour).sum()),
                kind,
                max(OBJECTS),
            )
        case "same":
            one, other = (1, 2) if swap else (2, 1)
            return Sample(
                i,
                f"same {names[one]} {names[other]}",
                "yes" if paints[1] == paints[2] else "no",
                kind,
                2,
            )
        case "left":
            one, other = (0, 1) if swap else (1, 0)
            left = thing.column[i, one] < thing.column[i, other]
            return Sample(
                i, f"left {names[one]} {names[other]}", "yes" if left else "no", kind, 2
            )
    return Sample(
        i, f"{RELATIONS[relation]} {paints[0]}", VALUES[value], "hop", len(VALUES)
    )


def ocr(
    seed: Seed,
    count: int,
    *,
    questions: int = 1,
    scored: bool = False,
    draw: bool = True,
) -> Scenes:
    """A page of letters or of handwritten digits; the question names a place that holds one.

    Args:
        seed: names the world; two seeds share no image.
        count: scenes.
        questions: asked about each, of characters drawn with replacement.
        scored: write with those digits that training never sees.
        draw: whether images are wanted.
    """
    rng = generator(seed, 13)
    number, written = (
        rng.choice(LENGTHS, size=count),
        rng.integers(2, size=count).astype(bool),
    )
    place = permutations(rng, count, PAGE**2)[:, : max(LENGTHS)]
    there = np.arange(place.shape[1]) < number[:, None]
    shapes, digit = _handwriting(scored)
    pick = rng.integers(len(digit), size=place.shape)
    character = np.where(
        written[:, None],
        len(LETTERS) + digit[pick],
        rng.integers(len(LETTERS), size=place.shape),
    )
    notes = np.full((count, PAGE**2, 2), -1)
    notes[:, :, 0] = _PLACE + np.arange(PAGE**2)
    scene, slot = np.nonzero(there)
    notes[scene, place[scene, slot], 1] = _CHARACTER + character[scene, slot]
    asked = rng.integers(number[:, None], size=(count, questions))
    samples = [
        Sample(
            i,
            f"read {PLACES[place[i, j]]}",
            CHARACTERS[character[i, j]],
            of_length(number[i]),
            len(DIGITS if written[i] else LETTERS),
        )
        for i in range(count)
        for j in asked[i]
    ]
    images = None
    if draw:
        canvas = pale_canvas(rng, count, IMAGE_SIZE)
        ink = rng.uniform(0, 80, (count, 3)).astype(np.float32)
        corner = _CELL * np.stack(np.divmod(place, PAGE), -1)
        printed = glyph_masks(
            tuple(letter.upper() for letter in LETTERS),
            "DejaVuSansMono-Bold.ttf",
            _CELL + 2,
            _CELL,
        )
        for j in range(place.shape[1]):
            i = np.flatnonzero(there[:, j])
            masks = np.where(
                written[i, None, None],
                shapes[pick[i, j]],
                printed[np.minimum(character[i, j], len(LETTERS) - 1)],
            )
            paste(canvas, i, masks, corner[i, j], ink[i])
        images = canvas.round().astype(np.uint8)
    return Scenes(samples, notes, images, where=1)


def of_length(number: int) -> str:
    """The kind of a question about a page of so many characters."""
    return f"{number} character{'s' if number > 1 else ''}"


def _weights(facts: Facts, icon: np.ndarray, scored: bool | None) -> np.ndarray:
    """How often each relation is asked about each icon, float (n, relations)."""
    if scored is None:
        return np.tile(facts.weight, (len(icon), 1))
    return facts.weight * (facts.asked[icon] != scored)


def _elsewhere(rng: np.random.Generator, place: np.ndarray) -> np.ndarray:
    """A place for the first of some icons, int (n, m), that is free and in another column than the second's."""
    taken = (np.arange(GRID**2) == place[..., None]).any(1)
    same_column = np.arange(GRID**2) % GRID == place[:, 1, None] % GRID
    return (rng.random(taken.shape) + taken + same_column).argmin(1)


def describe_icons(
    icon: np.ndarray, colour: np.ndarray, place: np.ndarray, there: np.ndarray
) -> np.ndarray:
    """Notes about icons, int (n, 16, 4): column, row, and name and colour of what is there. Arguments as for `draw_icons`."""
    notes = np.full((len(icon), GRID**2, 4), -1)
    rows, columns = np.divmod(np.arange(GRID**2), GRID)
    notes[:, :, 0], notes[:, :, 1] = _COLUMN + columns, _ROW + rows
    scene, slot = np.nonzero(there)
    notes[scene, place[scene, slot], 2] = _ICON + icon[scene, slot]
    notes[scene, place[scene, slot], 3] = _PAINT + colour[scene, slot]
    return notes


@cache
def _handwriting(scored: bool) -> tuple[np.ndarray, np.ndarray]:
    """Digits of scikit-learn as shares of pixels, float32 (n, 9, 9), and which digit each is."""
    data = load_digits()
    part = slice(_WRITTEN, None) if scored else slice(_WRITTEN)
    masks = np.zeros((len(data.target[part]), _CELL, _CELL), np.float32)
    masks[:, :8, :8] = data.images[part] / 16
    return masks, data.target[part]
