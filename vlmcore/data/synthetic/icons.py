"""Sixty-four icons in eight colours, and 128 facts about each icon that no image shows.

Icons are glyphs of DejaVu Sans, which matplotlib ships, drawn on the places of a 4 x 4
grid. A fact is a relation and its value, such as "anchor song bavu": arbitrary, drawn
from a seed, to be learnt from text alone. Half of all pairs of icon and relation may be
asked about images in training; only the other half is ever scored.
"""

from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np

from vlmcore.data.synthetic.captioned_shapes import COLOURS
from vlmcore.data.synthetic.drawing import (
    Seed,
    generator,
    glyph_masks,
    pale_canvas,
    paste,
)

# fmt: off
ICONS = {
    "sun": "☀", "cloud": "☁", "umbrella": "☂", "snowman": "☃", "comet": "☄", "star": "★", "telephone": "☎", "cup": "☕",
    "shamrock": "☘", "skull": "☠", "radiation": "☢", "biohazard": "☣", "ankh": "☥", "peace": "☮", "yinyang": "☯", "wheel": "☸",
    "smile": "☻", "moon": "☾", "mercury": "☿", "venus": "♀", "mars": "♂", "jupiter": "♃", "saturn": "♄", "neptune": "♆",
    "pluto": "♇", "gemini": "♊", "cancer": "♋", "leo": "♌", "libra": "♎", "king": "♚", "queen": "♛", "rook": "♜",
    "bishop": "♝", "knight": "♞", "pawn": "♟", "spade": "♠", "heart": "♥", "diamond": "♦", "club": "♣", "springs": "♨",
    "notes": "♫", "recycling": "♻", "infinity": "∞", "flag": "⚑", "anchor": "⚓", "swords": "⚔", "scales": "⚖", "alembic": "⚗",
    "flower": "✿", "gear": "⚙", "atom": "⚛", "lily": "⚜", "warning": "⚠", "lightning": "⚡", "coffin": "⚰", "urn": "⚱",
    "scissors": "✂", "airplane": "✈", "envelope": "✉", "victory": "✌", "pencil": "✏", "nib": "✒", "check": "✔", "snowflake": "❄",
}
"""Names and glyphs."""
_THEMES = (
    "home", "friend", "rival", "song", "drink", "dish", "month", "tree", "river", "city", "coin", "gem", "metal", "cloth", "dance", "game",
    "tool", "toy", "bird", "fish", "beast", "fruit", "herb", "spice", "bread", "cheese", "tea", "soup", "cake", "nut", "wine", "oil",
    "salt", "stone", "god", "saint", "ship", "bridge", "tower", "gate", "road", "hill", "lake", "island", "wind", "storm", "season", "hour",
    "letter", "word", "book", "tale", "poem", "joke", "riddle", "prayer", "dream", "fear", "wish", "vow", "gift", "debt", "crime", "secret",
)
# fmt: on
RELATIONS = tuple(f"{which}{theme}" for which in ("", "first") for theme in _THEMES)
"""What can be asked about an icon, the commonest first: more than even the largest
miniature learns in its time at school."""
VALUES = tuple(
    f"{first}{last}"
    for first, last in product(
        ("ba", "de", "fi", "go", "ku", "la", "me", "ni"), ("ro", "sa", "te", "vu")
    )
)
PAINTS = tuple(COLOURS)
ZIPF_SHIFT = 1
"""The relation of rank r is told and asked in proportion to 1 / (r + shift), r from
0."""
GRID = 4
"""Places along one side."""
COLUMNS = tuple(f"column{i}" for i in range(1, GRID + 1))
ROWS = tuple(f"row{i}" for i in range(1, GRID + 1))
IMAGE_SIZE = 72
_CELL = IMAGE_SIZE // GRID


class Facts(NamedTuple):
    """What is true of the icons of one world."""

    values: np.ndarray
    """int (icons, relations), into `VALUES`."""
    weight: np.ndarray
    """float (relations,), adding up to 1: how often each relation is told and asked,
    like words in a language (Zipf)."""
    asked: np.ndarray
    """bool (icons, relations): the pairs that are asked about images in training. The
    others are scored."""


@cache
def facts(seed: Seed) -> Facts:
    """Draws the facts of a world. Two seeds share nothing but by chance, one in 32."""
    rng = generator(seed, 10)
    shape = len(ICONS), len(RELATIONS)
    values = rng.integers(len(VALUES), size=shape)
    asked = np.stack(
        [rng.permutation(shape[1]) < shape[1] // 2 for _ in range(shape[0])]
    )
    weight = 1 / (np.arange(shape[1]) + ZIPF_SHIFT)
    return Facts(values, weight / weight.sum(), asked)


def some_relations(
    rng: np.random.Generator, weight: np.ndarray, count: int
) -> np.ndarray:
    """Different relations for each of some scenes, drawn one after the other with probabilities proportional to their weights.

    Args:
        rng: random numbers.
        weight: float (n, relations), 0 for a relation that is not to be drawn.
        count: how many for each scene.

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
    with np.errstate(
        divide="ignore"
    ):  # the smallest of exponential waiting times is such a draw
        return (rng.exponential(size=weight.shape) / weight).argsort(1)[:, :count]


def draw_icons(
    rng: np.random.Generator,
    icon: np.ndarray,
    colour: np.ndarray,
    place: np.ndarray,
    there: np.ndarray,
) -> np.ndarray:
    """Images of icons on a pale ground.

    Args:
        rng: of the ground and of the shades of the colours.
        icon: int (n, m), into `ICONS`.
        colour: int (n, m), into `COLOURS`.
        place: int (n, m), places of the grid, in rows.
        there: bool (n, m): whether the thing exists.

    Returns:
        uint8 (n, 3, 72, 72)
    """
    canvas = pale_canvas(rng, len(icon), IMAGE_SIZE)
    palette = np.array(list(COLOURS.values()), dtype=np.float32)
    ink = np.clip(
        palette[colour] + rng.normal(0, 8, (*colour.shape, 3)), 0, 255
    ).astype(np.float32)
    corner = _CELL * np.stack(np.divmod(place, GRID), -1)
    for j in range(icon.shape[1]):
        i = np.flatnonzero(there[:, j])
        paste(canvas, i, icon_masks()[icon[i, j]], corner[i, j], ink[i, j])
    return canvas.round().astype(np.uint8)


def icon_masks() -> np.ndarray:
    """Shares of the pixels that each icon covers, float32 (64, 18, 18)."""
    return glyph_masks(tuple(ICONS.values()), "DejaVuSans.ttf", _CELL, _CELL)
