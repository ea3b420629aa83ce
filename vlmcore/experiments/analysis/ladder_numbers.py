"""Every number that the book states about the ladder of pretrained models, by name."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from vlmcore.experiments.analysis.ladder import LARGEST, MIDDLE, SMALLEST, Ladder
from vlmcore.scaling import Interval, crossed_mean

_Numbers = Iterator[tuple[str, Interval]]
_SEEDS = 3
"""Of each cell of a contrast, as the plan says."""


def ladder_numbers(ladder: Ladder) -> dict[str, Interval]:
    """Errors of every run that has a result, and the contrasts that are complete."""
    return dict([*_without_images(ladder), *_cells(ladder), *_contrasts(ladder)])


def _without_images(ladder: Ladder) -> _Numbers:
    families = [family for family in ladder.questions if family != "letters"]
    for key, family in product((SMALLEST, MIDDLE, LARGEST), families):
        if ladder.has(f"text-{key}"):
            yield f"{family}.{key}.text.error", ladder.text_error(key, family)
        if ladder.has(f"oracle-{key}"):
            for v in ladder.oracle_tokens(key):
                name = f"{family}.{key}.oracle.v{v}.error"
                yield name, ladder.oracle_error(key, v, family)


def _cells(ladder: Ladder) -> _Numbers:
    groups = ["key", "compressor", "visual_tokens", "family"]
    cells = ladder.cells()
    for (key, compressor, v, family), _ in cells.groupby(groups, sort=False):
        errors = ladder.errors(key, compressor, v, family)
        yield f"{family}.{key}.{compressor}.v{v}.error", crossed_mean(errors)


def _contrasts(ladder: Ladder) -> _Numbers:
    """The pre-registered contrasts of TokenPacker, once all their seeds are there.

    The trained probe reads the letters of *ocr*, as the plan says.
    """
    points = ((SMALLEST, 36), (SMALLEST, 16), (MIDDLE, 36), (MIDDLE, 4), (LARGEST, 1))
    if not all(
        ladder.has(f"{key}.tokenpacker.v{v}.seed{seed}")
        for key, v in points
        for seed in range(_SEEDS)
    ):
        return
    for name, family in (("knowledge", "knowledge"), ("ocr", "letters")):
        yield f"{name}.n_minus_v", ladder.n_minus_v(family)
        yield f"{name}.equal_cost", ladder.equal_cost(family)
        yield f"{name}.qwen_n_minus_v", ladder.n_minus_v(family, MIDDLE)
        qwen = ladder.errors(MIDDLE, "tokenpacker", 4, family)
        large = ladder.errors(LARGEST, "tokenpacker", 1, family)
        yield f"{name}.qwen_equal_cost", crossed_mean(np.subtract(qwen, large))
