"""The grid's pre-registered criteria, one by one with their outcomes.

The plan in `book/results/grid/PLAN.md` was written before the runs; nothing in it is
changed here.
"""

from typing import Literal, NamedTuple

import pandas as pd

from vlmcore.experiments.analysis.scaling_grid import Grid
from vlmcore.scaling import over_seeds

Decision = Literal["met", "failed", "uninformative", "too few seeds"]


class Verdict(NamedTuple):
    """A finding and the decision under the pre-registered criterion."""

    criterion: str
    finding: str
    decision: Decision


def verdicts(grid: Grid, compressor: str = "quecc") -> list[Verdict]:
    """The criteria of the plan, in its order.

    Args:
        grid: with complete seeds of every task.
        compressor: the plan judges QueCC; another can be judged in the same way.
    """
    return [
        _contrast(grid, compressor, "knowledge", 2, above=True),
        _only_one_token(grid, compressor),
        _contrast(grid, compressor, "reasoning", 1, above=True),
        _contrast(grid, compressor, "ocr", 1, above=False),
        _all_tokens_first(grid, compressor),
        _every_step_in_tokens(grid, compressor),
        _largest_predicted(grid, compressor),
    ]


def below_largest(
    grid: Grid, compressor: str, task: str, q: float | None = 0
) -> pd.DataFrame:
    """The frontier without the largest size, beyond which N cannot grow.

    `q` is that of `Grid.frontier`.
    """
    best = grid.frontier(task, compressor, q)
    return best[best["params"] < grid.main_cells(task, compressor)["params"].max()]


def _contrast(
    grid: Grid, compressor: str, task: str, c: int, *, above: bool
) -> Verdict:
    # the plan's interval is over seeds alone; what the book says of exponents crosses
    # seeds and questions
    exponents = grid.exponents(task, compressor).groupby("seed").mean()
    found = over_seeds(exponents["alpha"] - c * exponents["beta"])
    criterion = (
        f"{task}: α − {'' if c == 1 else c}β {'above' if above else 'below'} 0, "
        "interval excludes zero"
    )
    if found.low is None or found.high is None:
        return Verdict(criterion, f"{found.value:.2f}", "too few seeds")
    met = found.low > 0 if above else found.high < 0
    return Verdict(criterion, f"{found:.2f}", "met" if met else "failed")


def _only_one_token(grid: Grid, compressor: str) -> Verdict:
    best = below_largest(grid, compressor, "knowledge")
    more = best[best["visual_tokens"] > 1]
    models = ", ".join(
        f"{n / 1000:.0f}k × {v}"
        for n, v in zip(more["params"], more["visual_tokens"], strict=True)
    )
    return Verdict(
        "knowledge: at Q = 0 only V = 1 below the largest N",
        f"also {models}" if models else "only V = 1",
        "failed" if models else "met",
    )


def _all_tokens_first(grid: Grid, compressor: str) -> Verdict:
    cells = grid.main_cells("ocr", compressor)
    smallest, most = cells["params"].min(), cells["visual_tokens"].max()
    best = below_largest(grid, compressor, "ocr")
    v = best[best["params"] == smallest]["visual_tokens"].max()
    return Verdict(
        "ocr: at Q = 0 most tokens with a small N",
        f"{smallest / 1000:.0f}k × {v}",
        "met" if v == most else "failed",
    )


def _every_step_in_tokens(grid: Grid, compressor: str) -> Verdict:
    """Steps in V lower the largest model's errors by over two standard errors each."""
    cells = grid.cells_of_complete_seeds("ocr", compressor)
    largest = cells[cells["params"] == cells["params"].max()]
    errors = largest.pivot_table("error", "seed", "visual_tokens")
    steps = -errors.diff(axis=1).iloc[:, 1:]
    met = (steps.mean() > 2 * steps.sem()).all()
    return Verdict(
        "ocr: at the largest N each step in V lowers errors",
        ", ".join(f"{each.mean():.3f} ± {each.sem():.3f}" for _, each in steps.items()),
        "too few seeds" if len(errors) < 2 else "met" if met else "failed",
    )


def _largest_predicted(grid: Grid, compressor: str) -> Verdict:
    found = grid.hold_out_largest("knowledge", compressor)
    holding = sum(each.holds for each in found)
    informative = sum(each.informative for each in found)
    met = holding == len(found)
    return Verdict(
        "knowledge: largest N predicted",
        f"{holding} of {len(found)} hold, {informative} informative",
        "uninformative" if informative < len(found) else "met" if met else "failed",
    )
