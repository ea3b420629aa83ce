"""The world of the second grid: facts with a long tail, and the family *composed*.

There are 1,024 relations of two words ("song tree"), and the relation of rank r occurs
in proportion to r^-1.5, so that there is always a rarer fact to learn. How the error
falls with the size of a model is designed by this exponent. Every icon also has a
partner, another icon.

*Composed* asks for two steps, none of which has to know which of two icons is where:
the partner of an icon, a fact about the partner ("partner song tree"), a fact about the
icon that is not named ("other sun song tree"), the greater of the values that a
relation has for two icons ("greater song tree").
"""

from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np

from vlmcore.data.samples import Sample
from vlmcore.data.synthetic.drawing import (
    COLOUR_NAMES,
    GRID_SIDE,
    Seed,
    generator,
    permutations,
)
from vlmcore.data.synthetic.icon_scenes import describe_icons
from vlmcore.data.synthetic.icons import (
    ICONS,
    RELATIONS,
    VALUES,
    Facts,
    IconLayout,
    sample_relations,
)
from vlmcore.data.synthetic.scenes import Scenes
from vlmcore.data.synthetic.vocabulary import REASONING_KINDS

TAIL = 1.5
"""The exponent of a relation's rank in its weight."""
COMPOSED_KINDS = ("partner", "two steps", "other", "greater")
"""Kinds of questions of *composed*: two about one icon, two about two."""
LONG_TAIL_WORDS = RELATIONS[:64]
"""The words of which a relation has two, one of each half."""
LONG_TAIL_TEXT = (
    *LONG_TAIL_WORDS,
    *VALUES,
    "partner",
    "other",
    "greater",
    "read",
    *REASONING_KINDS[:5],
    "yes",
    "no",
)
"""Every word of a question or an answer that is in no description."""
_NAMES = tuple(ICONS)


class LongTailFacts(NamedTuple):
    """The facts of one world."""

    facts: Facts
    partner: np.ndarray
    """int (icons,), the partner of each icon: never itself."""


@cache
def long_tail_facts(seed: Seed) -> LongTailFacts:
    """Draws the facts of a world; those of two worlds agree by chance, one in 32."""
    rng = generator(seed, 15)
    relations = tuple(
        map(" ".join, product(LONG_TAIL_WORDS[:32], LONG_TAIL_WORDS[32:]))
    )
    # the words of a relation say nothing about its rank
    relations = tuple(relations[i] for i in rng.permutation(len(relations)))
    size = len(ICONS), len(relations)
    values = rng.integers(len(VALUES), size=size)
    # the commonest relations are few: each is asked about half of the icons
    order = permutations(rng, size[1], size[0]).T
    asked = order < size[0] // 2
    weight = (np.arange(size[1]) + 1.0) ** -TAIL
    ring = rng.permutation(size[0])
    partner = np.empty_like(ring)
    partner[ring] = np.roll(ring, 1)
    return LongTailFacts(
        Facts(values, weight / weight.sum(), asked, relations), partner
    )


def composed(
    seed: Seed,
    count: int,
    known: LongTailFacts,
    *,
    questions: int = 1,
    scored: bool | None = None,
    draw: bool = True,
) -> Scenes:
    """Draws one icon or two, and asks questions of two steps about them.

    Args:
        seed: of the world; different seeds share no image.
        count: scenes.
        known: what is true.
        questions: asked about each scene; they may repeat.
        scored: as for `knowledge`, for every fact that an answer rests on. The partners
            are no facts that are kept apart.
        draw: whether images are wanted.
    """
    rng = generator(seed, 14)
    layout = _one_or_two(rng, count)
    two = layout.exists[:, 1]
    facts, about = known.facts, layout.icon.copy()  # whose facts are asked
    about[~two] = known.partner[layout.icon[~two, :1]]
    allowed = (facts.asked[about] != scored).all(1)
    relation = sample_relations(rng, facts.weight * allowed, questions)
    step = rng.integers(2, size=relation.shape)  # which of two kinds of questions
    swap = rng.integers(2, size=relation.shape)
    samples = []
    for i, q in product(range(count), range(questions)):
        kind = COMPOSED_KINDS[step[i, q] + 2 * two[i]]
        words, named = facts.relations[relation[i, q]], swap[i, q]
        values = facts.values[about[i], relation[i, q]]
        icon, partner = _NAMES[layout.icon[i, named]], _NAMES[about[i, 0]]
        question, answer = {
            "partner": ("partner", partner),
            "two steps": (f"partner {words}", VALUES[values[0]]),
            "other": (f"other {icon} {words}", VALUES[values[1 - named]]),
            "greater": (f"greater {words}", VALUES[values.max()]),
        }[kind]
        choices = len(ICONS if kind == "partner" else VALUES)
        samples.append(Sample(i, question, answer, kind, choices))
    return describe_icons(rng, samples, layout, draw)


def _one_or_two(rng: np.random.Generator, count: int) -> IconLayout:
    """Draws one icon or two different ones, anywhere, in any colours."""
    icon, cell = (
        permutations(rng, count, size)[:, :2] for size in (len(ICONS), GRID_SIDE**2)
    )
    colour = rng.integers(len(COLOUR_NAMES), size=(count, 2))
    exists = np.ones((count, 2), bool)
    exists[:, 1] = rng.integers(2, size=count)
    return IconLayout(icon, colour, cell, exists)
