"""Scenes of icons: the facts that are asked about them, and their descriptions."""

import numpy as np
from numpy.random import Generator

from vlmcore.data.samples import Sample
from vlmcore.data.synthetic.drawing import GRID_SIDE
from vlmcore.data.synthetic.icons import (
    VALUES,
    Facts,
    IconLayout,
    draw_icons,
    sample_relations,
)
from vlmcore.data.synthetic.scenes import Scenes, describe_cells
from vlmcore.data.synthetic.vocabulary import SCENE_WORDS

_ICON, _COLOUR, _COLUMN, _ROW = map(
    SCENE_WORDS.index, ("sun", "red", "column1", "row1")
)


def ask_facts(
    rng: Generator, icon: np.ndarray, facts: Facts, questions: int, scored: bool | None
) -> list[list[tuple[str, str]]]:
    """Draws relations, all different, and their values for the icon of each scene.

    Args:
        rng: random numbers.
        icon: int (n,), into `ICONS`.
        facts: what is true.
        questions: relations for each scene.
        scored: whether to ask the facts that no image asks about in training (True),
            those that training may ask about (False), or all (None).
    """
    asked = facts.asked[icon] != scored  # all where scored is None
    relation = sample_relations(rng, facts.weight * asked, questions)
    return [
        [(facts.relations[r], VALUES[facts.values[i, r]]) for r in drawn]
        for i, drawn in zip(icon, relation, strict=True)
    ]


def describe_icons(
    rng: Generator, samples: list[Sample], layout: IconLayout, draw: bool
) -> Scenes:
    """Describes icons by column, row, name and colour, and draws them if wanted."""
    icon, colour, cell, exists = layout
    row, column = np.divmod(np.arange(GRID_SIDE**2), GRID_SIDE)
    positions = np.stack([_COLUMN + column, _ROW + row], -1)
    words = np.stack([_ICON + icon, _COLOUR + colour], -1)
    images = draw_icons(rng, layout) if draw else None
    return Scenes(samples, describe_cells(positions, cell, words, exists), images, 2)
