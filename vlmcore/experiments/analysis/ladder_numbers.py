"""Every number that the book states about the ladder of pretrained models, by name."""

from collections.abc import Iterator
from itertools import product

from vlmcore.experiments.analysis.ladder import (
    LARGEST,
    MIDDLE,
    PARAMS,
    SMALLEST,
    Ladder,
    Point,
)
from vlmcore.scaling import Interval, crossed_mean

_Numbers = Iterator[tuple[str, Interval]]
_SEEDS = 3
"""Of each cell of a contrast, as the plan says."""


def ladder_numbers(ladder: Ladder) -> dict[str, Interval]:
    """Errors of every run that has a result, and the contrasts that are complete."""
    found = dict([*_without_images(ladder), *_cells(ladder)])
    return found | (contrasts(ladder) if contrasts_are_complete(ladder) else {})


def _without_images(ladder: Ladder) -> _Numbers:
    families = [family for family in ladder.questions if family != "letters"]
    for key, family in product(PARAMS, families):
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
        errors = ladder.errors(Point(key, v, compressor), family)
        yield f"{family}.{key}.{compressor}.v{v}.error", crossed_mean(errors)


def contrasts_are_complete(ladder: Ladder) -> bool:
    """Whether all seeds of the pre-registered contrasts have a result."""
    points = ((SMALLEST, 36), (SMALLEST, 16), (MIDDLE, 36), (MIDDLE, 4), (LARGEST, 1))
    return all(
        ladder.has(f"{key}.tokenpacker.v{v}.seed{seed}")
        for key, v in points
        for seed in range(_SEEDS)
    )


def contrasts(ladder: Ladder) -> dict[str, Interval]:
    """The pre-registered contrasts of TokenPacker, with the seeds that are there.

    The trained probe reads the letters of *ocr*, as the plan says.
    """
    found = {}
    for name, family in (("knowledge", "knowledge"), ("ocr", "letters")):
        found[f"{name}.n_minus_v"] = ladder.n_minus_v(family)
        found[f"{name}.equal_cost"] = ladder.equal_cost(family)
        found[f"{name}.qwen_n_minus_v"] = ladder.n_minus_v(family, MIDDLE)
        found[f"{name}.qwen_equal_cost"] = ladder.best_less_largest(
            family, [Point(MIDDLE, 4)]
        )
    return found
