"""The least error of any reader of summed embeddings, for questions about binding.

With embedding targets a visual token is the sum of the embeddings of the words for what
it covers. A sum has no order: which of its icons has which of its colours is lost, and
where in the token's area each icon is. The best reader knows the words of every token,
the rules by which scenes are drawn and all facts, but not which facts are kept for the
test, and gives the likeliest answer. No language model errs less, however large it is.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from itertools import permutations, product

import numpy as np

from vlmcore.data.samples import Sample
from vlmcore.data.synthetic.drawing import COLOUR_NAMES, GRID_SIDE
from vlmcore.data.synthetic.icons import ICONS, Facts
from vlmcore.data.synthetic.scenes import Scenes
from vlmcore.data.synthetic.vocabulary import SCENE_WORDS

_ICONS = list(ICONS)
_ICON, _COLOUR = SCENE_WORDS.index("sun"), SCENE_WORDS.index("red")
_Scene = list[tuple[int, int, int]]
"""The icon, the colour and the token of each object."""


def binding_bound(scenes: Scenes, facts: Facts, visual_tokens: int) -> np.ndarray:
    """The least probability of an error for each question.

    Args:
        scenes: of `task_families.reasoning`, asked with `scored=True`.
        facts: what is true in their world.
        visual_tokens: V, a square number that divides the grid into equal parts.

    Returns:
        float (questions,)
    """
    across = math.isqrt(visual_tokens)
    if across**2 != visual_tokens or GRID_SIDE % across:
        raise ValueError(
            f"V = {visual_tokens} does not cut a grid of {GRID_SIDE} x {GRID_SIDE} "
            "cells into equal squares; choose from 1, 4, 16"
        )
    row, column = np.divmod(np.arange(GRID_SIDE**2), GRID_SIDE)
    cells = GRID_SIDE // across
    token = row // cells * across + column // cells
    least = []
    for sample in scenes.samples:
        words = scenes.descriptions[sample.image, :, scenes.position_words :]
        objects = [
            (icon - _ICON, colour - _COLOUR, int(token[cell]))
            for cell, (icon, colour) in enumerate(words)
            if icon >= 0
        ]
        chances = _answers(sample, objects, facts, token, column)
        least.append(1 - max(chances.values()) / sum(chances.values()))
    return np.array(least)


def _answers(
    sample: Sample,
    objects: _Scene,
    facts: Facts,
    token: np.ndarray,
    column: np.ndarray,
) -> dict[object, float]:
    """The weight of each answer to a question, given the words of every token."""
    asked, *named = sample.question.split()
    if sample.kind == "count":
        return {sample.answer: 1.0}  # the colours of all tokens are known
    if sample.kind == "left":
        places = [token == objects[_of_icon(objects, name)][2] for name in named]
        return _left(*(column[place] for place in places))
    if sample.kind == "color":
        where = objects[_of_icon(objects, named[0])][2]
        return _count(colour for _, colour, at in objects if at == where)
    if sample.kind == "same":
        return _same(objects, *(_of_icon(objects, name) for name in named))
    colour = COLOUR_NAMES.index(named[-1])
    where = next(at for _, c, at in objects if c == colour)
    icons = [icon for icon, _, at in objects if at == where]
    if sample.kind == "icon":
        return dict.fromkeys(icons, 1.0)
    relation = facts.relations.index(" ".join([asked, *named[:-1]]))
    return _count(facts.values[icon, relation] for icon in icons)


def _left(one: np.ndarray, other: np.ndarray) -> dict[object, float]:
    """Whether one of two columns is left of the other; they are never the same."""
    pairs = [(a, b) for a, b in product(one, other) if a != b]
    return _count(a < b for a, b in pairs)


def _same(objects: _Scene, one: int, other: int) -> dict[object, float]:
    """Whether two objects share a colour; a third is known to share its with none."""
    weights: dict[object, float] = defaultdict(float)
    for colours in _colourings(objects):
        alone = sum(
            colours.count(colours[i]) == 1
            for i in range(len(objects))
            if i not in (one, other)
        )
        weights[colours[one] == colours[other]] += alone
    return weights


def _colourings(objects: _Scene) -> set[tuple[int, ...]]:
    """All ways to give the objects the colours of their tokens."""
    by_token: dict[int, list[int]] = defaultdict(list)
    for i, (_, _, at) in enumerate(objects):
        by_token[at].append(i)
    found = set()
    shuffled = (permutations(members) for members in by_token.values())
    for orders in product(*shuffled):
        colours = [0] * len(objects)
        for members, order in zip(by_token.values(), orders, strict=True):
            for i, j in zip(members, order, strict=True):
                colours[i] = objects[j][1]
        found.add(tuple(colours))
    return found


def _count(answers: Iterable[object]) -> dict[object, float]:
    weights: dict[object, float] = defaultdict(float)
    for answer in answers:
        weights[answer] += 1
    return weights


def _of_icon(objects: _Scene, name: str) -> int:
    return [icon for icon, _, _ in objects].index(_ICONS.index(name))
