"""Sixty-four icons in eight colours, and 128 facts about each that no image shows.

Icons are glyphs of DejaVu Sans, which matplotlib ships, drawn in the cells of a 4 x 4
grid. A fact is a relation and its value, such as "anchor song bavu": arbitrary, drawn
from a seed, to be learnt from text alone. Half of all pairs of icon and relation may be
asked about images in training; only the other half is ever scored.
"""

from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from vlmcore.data.synthetic.drawing import (
    GRID_SIDE,
    IMAGE_SIZE,
    Seed,
    cell_corners,
    draw_glyphs,
    generator,
    glyph_masks,
    pale_canvas,
    shades,
)

_ICON_TABLE = """
    sun ☀ cloud ☁ umbrella ☂ snowman ☃ comet ☄ star ★ telephone ☎ cup ☕ shamrock ☘
    skull ☠ radiation ☢ biohazard ☣ ankh ☥ peace ☮ yinyang ☯ wheel ☸ smile ☻ moon ☾
    mercury ☿ venus ♀ mars ♂ jupiter ♃ saturn ♄ neptune ♆ pluto ♇ gemini ♊ cancer ♋
    leo ♌ libra ♎ king ♚ queen ♛ rook ♜ bishop ♝ knight ♞ pawn ♟ spade ♠ heart ♥
    diamond ♦ club ♣ springs ♨ notes ♫ recycling ♻ infinity ∞ flag ⚑ anchor ⚓ swords ⚔
    scales ⚖ alembic ⚗ flower ✿ gear ⚙ atom ⚛ lily ⚜ warning ⚠ lightning ⚡ coffin ⚰
    urn ⚱ scissors ✂ airplane ✈ envelope ✉ victory ✌ pencil ✏ nib ✒ check ✔
    snowflake ❄
"""
ICONS = dict(zip(_ICON_TABLE.split()[::2], _ICON_TABLE.split()[1::2], strict=True))
"""The glyph of each icon, by name."""
_THEMES = """
    home friend rival song drink dish month tree river city coin gem metal cloth dance
    game tool toy bird fish beast fruit herb spice bread cheese tea soup cake nut wine
    oil salt stone god saint ship bridge tower gate road hill lake island wind storm
    season hour letter word book tale poem joke riddle prayer dream fear wish vow gift
    debt crime secret
"""
RELATIONS = (*_THEMES.split(), *map("first{}".format, _THEMES.split()))
"""The relations of an icon, the commonest first. There are more relations than
the largest miniature learns during its pre-training on text."""
_SYLLABLES = ("ba", "de", "fi", "go", "ku", "la", "me", "ni"), ("ro", "sa", "te", "vu")
VALUES = tuple(map("".join, product(*_SYLLABLES)))
_CELL = IMAGE_SIZE // GRID_SIDE


class Facts(NamedTuple):
    """The facts about the icons of one world."""

    values: np.ndarray
    """int (icons, relations), into `VALUES`."""
    weight: np.ndarray
    """float (relations,), adding up to 1: how often each relation occurs in text and
    questions. The relation of rank r has a weight proportional to 1 / r (Zipf)."""
    asked: np.ndarray
    """bool (icons, relations): the pairs that are asked about images in training. The
    others are scored."""
    relations: tuple[str, ...] = RELATIONS
    """The words for each relation, the commonest first."""


class IconLayout(NamedTuple):
    """The icons of n scenes, at most m in each."""

    icon: np.ndarray
    """int (n, m), into `ICONS`."""
    colour: np.ndarray
    """int (n, m), into `COLOUR_NAMES`."""
    cell: np.ndarray
    """int (n, m), cells of the grid, row by row."""
    exists: np.ndarray
    """bool (n, m), whether the icon is drawn."""


@cache
def facts(seed: Seed) -> Facts:
    """Draws the facts of a world; those of two worlds agree by chance, one in 32."""
    rng = generator(seed, 10)
    size = len(ICONS), len(RELATIONS)
    values = rng.integers(len(VALUES), size=size)
    asked = np.stack([rng.permutation(size[1]) < size[1] // 2 for _ in ICONS])
    weight = 1 / (np.arange(size[1]) + 1)
    return Facts(values, weight / weight.sum(), asked)


def sample_relations(rng: Generator, weight: np.ndarray, count: int) -> np.ndarray:
    """Draws different relations for each scene, with probabilities by their weights.

    Args:
        rng: random numbers.
        weight: float (n, relations), 0 for a relation that is not to be drawn.
        count: relations a scene.

    Returns:
        int (n, count)

    Raises:
        ValueError: some scene does not have so many relations.
    """
    if (fewest := (weight > 0).sum(1).min(initial=weight.shape[1])) < count:
        raise ValueError(
            f"{count} different relations cannot be drawn from {fewest}; ask for "
            "fewer questions about a scene"
        )
    # the order of exponential waiting times is a draw without replacement
    with np.errstate(divide="ignore"):
        waiting = rng.exponential(size=weight.shape) / weight
    first = waiting.argpartition(count - 1, axis=1)[:, :count]
    order = np.take_along_axis(waiting, first, 1).argsort(1)
    return np.take_along_axis(first, order, 1)


def draw_icons(rng: Generator, layout: IconLayout) -> np.ndarray:
    """Draws icons on pale backgrounds, uint8 (n, 3, 72, 72)."""
    icon, colour, cell, exists = layout
    canvas, ink = pale_canvas(rng, len(icon)), shades(rng, colour)
    return draw_glyphs(canvas, icon_masks(), icon, cell_corners(cell), ink, exists)


def icon_masks() -> np.ndarray:
    """Returns the mask of each icon, float32 (64, 18, 18)."""
    return glyph_masks(tuple(ICONS.values()), "DejaVuSans.ttf", _CELL, _CELL)
