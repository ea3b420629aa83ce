"""Questions about scenes of flags: a fact, which country, how many, which letters.

Four families. *knowledge*: one flag, alone or among pictograms, and a fact about its
country. *which*: several flags, one of them asked for by its place or its neighbour.
*count*: how many flags, and whether two are the same. *ocr*: up to eight letters.
Everything is a pure function of the seed. Scenes to train on show every country and ask
nothing that has an answer; a fact is asked about countries of one split alone.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from vlmcore.data.flags.drawing import ALPHABET, draw_scene
from vlmcore.data.flags.world import RELATIONS, Country, World
from vlmcore.data.samples import Sample

FAMILIES = ("knowledge", "which", "count", "ocr")
SLOTS = 8
"""Objects of a scene at most."""
QUADRANTS = ("upper left", "upper right", "lower left", "lower right")
NUMBERS = ("one", "two", "three", "four")
QUESTIONS = {
    "capital": "Capital of the country",
    "region": "Continent of the country",
    "language": "Language of the country",
    "currency": "Currency of the country",
    "position": "Country in the {0} of the picture",
    "neighbour": "Country next to the {0} in the picture",
    "number": "Number of countries in the picture",
    "same": "Two countries the same in the picture",
    "letters": "Letters in the picture",
}
"""By kind, as they stand before the picture."""


class Placed(NamedTuple):
    """The objects of one scene; a slot without an object has the glyph -1."""

    glyph: np.ndarray
    """int (8,): glyphs of the world, then letters."""
    centre: np.ndarray
    """float (8, 2): x and y."""
    side: np.ndarray
    """float (8,)"""
    tilt: np.ndarray
    """float (8,), degrees."""


class FlagScenes(NamedTuple):
    """Scenes with one question each."""

    samples: list[Sample]
    accepted: list[tuple[str, ...]]
    """The answers that count as right."""
    glyph: np.ndarray
    """int (n, 8), as in `Placed`."""
    centre: np.ndarray
    """float (n, 8, 2)"""
    asked: np.ndarray
    """int (n,): glyph that the question is about, -1 for none."""
    images: np.ndarray | None
    """uint8 (n, 3, 120, 120), None for scenes that are only described."""


class _Scene(NamedTuple):
    placed: Placed
    question: str
    answers: Sequence[str]
    kind: str
    asked: int = -1


def scenes(
    world: World,
    family: str,
    seed: int,
    count: int,
    countries: Sequence[Country],
    *,
    part: str = "test",
    draw: bool = True,
) -> FlagScenes:
    """Scenes of one family.

    Args:
        world: gives glyphs, names and facts.
        family: one of `FAMILIES`.
        seed: of everything.
        count: how many.
        countries: whose flags are shown and asked about.
        part: whose strings of letters: `test`, `development` (and its examples) or
            `training`. Only single letters are in more than one of them.
        draw: whether images are wanted.

    Raises:
        ValueError: there is no such family.
    """
    if family not in _MAKE:
        raise ValueError(f"no family {family!r}; choose from {', '.join(FAMILIES)}")
    rng = np.random.default_rng((seed, FAMILIES.index(family)))
    made = [
        _MAKE[family](world, number, countries, part, rng) for number in range(count)
    ]
    pixels = np.random.default_rng((seed, FAMILIES.index(family), 1))
    images = [draw_scene(world, *scene.placed, pixels) for scene in made if draw]
    return FlagScenes(
        [
            Sample(row, scene.question, scene.answers[0], scene.kind, 1)
            for row, scene in enumerate(made)
        ],
        [tuple(scene.answers) for scene in made],
        np.stack([scene.placed.glyph for scene in made]),
        np.stack([scene.placed.centre for scene in made]),
        np.array([scene.asked for scene in made]),
        np.stack(images) if draw else None,
    )


def _empty() -> Placed:
    zeros = np.zeros(SLOTS)
    return Placed(np.full(SLOTS, -1), np.zeros((SLOTS, 2)), zeros, zeros.copy())


def alone(rng: Generator, glyph: int) -> Placed:
    """One object of any size, anywhere."""
    placed = _empty()
    side = rng.uniform(0.3, 0.85)
    placed.glyph[0], placed.side[0], placed.tilt[0] = glyph, side, _tilt(rng)
    placed.centre[0] = side / 2 + rng.uniform(0, 1 - side, 2)
    return placed


def in_quadrants(rng: Generator, glyphs: Sequence[int], places: np.ndarray) -> Placed:
    """Objects in given quadrants, one in each."""
    placed, count = _empty(), len(glyphs)
    side = rng.uniform(0.27, 0.45, count)
    corner = np.stack([places % 2, places // 2], 1) / 2
    placed.glyph[:count], placed.side[:count] = glyphs, side
    placed.tilt[:count] = [_tilt(rng) for _ in glyphs]
    free = rng.uniform(0, 1, (count, 2)) * (0.5 - side)[:, None]
    placed.centre[:count] = corner + side[:, None] / 2 + free
    return placed


def _tilt(rng: Generator) -> float:
    return rng.uniform(-15, 15)


def _knowledge(
    world: World, number: int, countries: Sequence[Country], part: str, rng: Generator
) -> _Scene:
    """Each country once before any twice, each relation in turn; half are alone."""
    turn, position = divmod(number, len(countries))
    order = np.random.default_rng(len(countries)).permutation(len(countries))
    country = countries[order[position]]
    relation = RELATIONS[(position + turn) % len(RELATIONS)]
    mixed = position // len(RELATIONS) + turn + turn // len(RELATIONS)
    others = 0 if mixed % 2 else int(rng.integers(1, 4))
    if others == 0:
        placed = alone(rng, country.glyph)
    else:
        glyphs = [country.glyph, *_pictograms(world, rng, others)]
        placed = in_quadrants(rng, glyphs, rng.permutation(4)[: len(glyphs)])
    answers = country.facts[relation]
    return _Scene(placed, QUESTIONS[relation], answers, relation, country.glyph)


def _which(
    world: World, number: int, countries: Sequence[Country], part: str, rng: Generator
) -> _Scene:
    """By place among two to four flags, or by the pictogram in the same row."""
    if number % 2 == 0:
        count = int(rng.integers(2, 5))
        glyphs = _flags(countries, rng, count)
        places = rng.permutation(4)[:count]
        asked, word = glyphs[0], QUADRANTS[places[0]]
        kind = "position"
    else:
        first, second = _flags(countries, rng, 2)
        near, far = _pictograms(world, rng, 2)
        glyphs, rows = [first, near, second, far], rng.permutation(2)
        columns = rng.integers(0, 2, 2)
        places = np.array(
            [2 * rows[i // 2] + (columns[i // 2] + i) % 2 for i in range(4)]
        )
        asked, word, kind = first, world.names[near], "neighbour"
    placed = in_quadrants(rng, glyphs, places)
    question = QUESTIONS[kind].format(word)
    return _Scene(placed, question, [world.names[asked]], kind, asked)


def _count(
    world: World, number: int, countries: Sequence[Country], part: str, rng: Generator
) -> _Scene:
    """One to four flags, or two that are the same in half of the scenes."""
    if number % 2 == 0:
        many = int(rng.integers(1, 5))
        glyphs = _flags(countries, rng, many)
        glyphs += _pictograms(world, rng, int(rng.integers(0, 5 - many)))
        answers, kind = [NUMBERS[many - 1], str(many)], "number"
    else:
        glyphs = _flags(countries, rng, 2)
        same = number % 4 == 1
        glyphs = [glyphs[0], glyphs[0]] if same else glyphs
        answers, kind = ["yes" if same else "no"], "same"
    placed = in_quadrants(rng, glyphs, rng.permutation(4)[: len(glyphs)])
    return _Scene(placed, QUESTIONS[kind], answers, kind)


def _ocr(
    world: World, number: int, countries: Sequence[Country], part: str, rng: Generator
) -> _Scene:
    """One to eight letters in cells of a grid of six by six, four in a line."""
    length = number % SLOTS + 1
    letters = rng.integers(len(ALPHABET), size=length)
    while length > 1 and not _belongs(letters, part):
        letters = rng.integers(len(ALPHABET), size=length)
    placed, row, column = _empty(), np.arange(length) // 4, np.arange(length) % 4
    top, left = rng.integers(0, 6 - row[-1]), rng.integers(0, 7 - min(length, 4))
    cell = np.stack([left + column, top + row], 1)
    placed.glyph[:length] = len(world.names) + letters
    placed.side[:length] = rng.uniform(0.13, 0.17)
    placed.tilt[:length] = [_tilt(rng) for _ in letters]
    placed.centre[:length] = (cell + 0.5 + rng.uniform(-0.08, 0.08, (length, 2))) / 6
    text = " ".join(ALPHABET[letter] for letter in letters)
    return _Scene(placed, QUESTIONS["letters"], [text], f"{length} letters")


def _belongs(letters: np.ndarray, part: str) -> bool:
    """Whether a string is one of the part's: a fifth each for test and development."""
    remainder = int(letters @ np.arange(1, len(letters) + 1)) % 5
    return {0: "test", 1: "development"}.get(remainder, "training") == part


def _flags(countries: Sequence[Country], rng: Generator, count: int) -> list[int]:
    chosen = rng.choice(len(countries), count, replace=False)
    return [countries[i].glyph for i in chosen]


def _pictograms(world: World, rng: Generator, count: int) -> list[int]:
    first = len(world.countries)
    chosen = rng.choice(len(world.pictograms), count, replace=False)
    return [first + int(i) for i in chosen]


_MAKE: dict[str, Callable[..., _Scene]] = {
    "knowledge": _knowledge,
    "which": _which,
    "count": _count,
    "ocr": _ocr,
}
