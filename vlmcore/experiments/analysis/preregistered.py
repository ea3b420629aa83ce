"""What is concluded from the grid: the numbers that the book states, and its plan, line by line, with what came of each criterion."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from vlmcore.experiments.analysis.scaling_grid import (
    FAMILIES,
    TYPICAL_QUESTION,
    Difference,
    Grid,
)
from vlmcore.experiments.analysis.seeds import over_seeds, ratio_over_seeds
from vlmcore.paper.refit import Number

Outcome = Literal["met", "failed", "uninformative", "too few histories"]


class Verdict(NamedTuple):
    """A criterion of the plan, what was found, and what that means by the plan's word."""

    asked: str
    found: str
    outcome: Outcome


def verdicts(grid: Grid, compressor: str = "quecc") -> list[Verdict]:
    """The criteria of `book/results/grid/PLAN.md`, in its order.

    Args:
        grid: with complete seeds of every family.
        compressor: the plan judges QueCC; the same can be asked of another.
    """
    return [
        _contrast(grid, compressor, "knowledge", 2, above=True),
        _only_one_token(grid, compressor),
        _contrast(grid, compressor, "reasoning", 1, above=True),
        _contrast(grid, compressor, "ocr", 1, above=False),
        _all_tokens_first(grid, compressor),
        _graded(grid, compressor),
        _predicted(grid, compressor),
    ]


def _contrast(
    grid: Grid, compressor: str, task: str, c: int, *, above: bool
) -> Verdict:
    exponents = grid.exponents(task, compressor)
    found = over_seeds(exponents["alpha"] - c * exponents["beta"])
    asked = (
        f"{FAMILIES[task]}: α − {'' if c == 1 else c}β "
        f"{'above' if above else 'below'} 0"
    )
    if found.low is None or found.high is None:
        return Verdict(asked, f"{found.value:.2f}", "too few histories")
    return Verdict(
        asked,
        f"{found:.2f}",
        "met" if (found.low > 0 if above else found.high < 0) else "failed",
    )


def _below_largest(
    grid: Grid, compressor: str, task: str, q: float | None = 0
) -> pd.DataFrame:
    """The frontier without the largest size, beyond which there is no N to buy; `q` as for `Grid.frontier`."""
    best = grid.frontier(task, compressor, q)
    return best[best["params"] < grid.ladder(task, compressor)["params"].max()]


def _only_one_token(grid: Grid, compressor: str) -> Verdict:
    best = _below_largest(grid, compressor, "knowledge")
    more = best[best["visual_tokens"] > 1]
    found = ", ".join(
        f"{n / 1000:.0f}k × {v}"
        for n, v in zip(more["params"], more["visual_tokens"], strict=True)
    )
    asked = "knowledge: at Q = 0 only V = 1 below the largest N"
    return Verdict(
        asked, f"also {found}" if found else "only V = 1", "failed" if found else "met"
    )


def _all_tokens_first(grid: Grid, compressor: str) -> Verdict:
    cells = grid.ladder("ocr", compressor)
    smallest, most = cells["params"].min(), cells["visual_tokens"].max()
    best = _below_largest(grid, compressor, "ocr")
    v = best[best["params"] == smallest]["visual_tokens"].max()
    return Verdict(
        "reading: at Q = 0 most tokens with a small N",
        f"{smallest / 1000:.0f}k × {v}",
        "met" if v == most else "failed",
    )


def _graded(grid: Grid, compressor: str) -> Verdict:
    """Each step up in V lowers the errors of the largest model by more than two standard errors over histories."""
    asked, cells = (
        "reading: at the largest N each step in V lowers errors",
        grid.of_complete_seeds("ocr", compressor),
    )
    top = cells[cells["params"] == cells["params"].max()].pivot_table(
        "error", "seed", "visual_tokens"
    )
    steps = -top.diff(axis=1).iloc[:, 1:]
    found = ", ".join(
        f"{step.mean():.3f} ± {step.sem():.3f}" for _, step in steps.items()
    )
    if len(top) < 2:
        return Verdict(asked, found, "too few histories")
    return Verdict(
        asked, found, "met" if (steps.mean() > 2 * steps.sem()).all() else "failed"
    )


def _predicted(grid: Grid, compressor: str) -> Verdict:
    found = grid.hold_out_largest("knowledge", compressor)
    holding, sharp = sum(p.holds for p in found), sum(p.informative for p in found)
    outcome: Outcome = (
        "uninformative"
        if sharp < len(found)
        else "met"
        if holding == len(found)
        else "failed"
    )
    return Verdict(
        "knowledge: largest N predicted",
        f"{holding} of {len(found)} hold, {sharp} sharp",
        outcome,
    )


def numbers(grid: Grid) -> Iterator[Number]:
    """Every number that the book states about the grid."""
    for task, family in FAMILIES.items():
        for compressor in ("quecc", "tokenpacker"):
            if grid.ladder(task, compressor).empty or not grid.complete_seeds(
                task, compressor
            ):
                continue
            name, cells = (
                f"{family}.{compressor}",
                len(grid.of_complete_seeds(task, compressor)),
            )
            yield from _exponents(grid.exponents(task, compressor), cells, name)
            yield from _exponents(
                grid.exponents(task, compressor, params="all_params"),
                cells,
                f"{name}.with_embeddings",
            )
            yield from _without_a_law(grid, task, compressor, name)
            yield from _bought(grid, task, compressor, name)
            yield from _held_out(grid, task, compressor, name)
            yield from _changed(grid, task, compressor, name)


def _exponents(exponents: pd.DataFrame, cells: int, name: str) -> Iterator[Number]:
    alpha, beta = exponents["alpha"], exponents["beta"]
    contrasts = {
        "alpha_minus_beta": alpha - beta,
        "alpha_minus_2beta": alpha - 2 * beta,
    }
    for quantity, values in (
        {"alpha": alpha, "beta": beta, "d": exponents["D"]} | contrasts
    ).items():
        yield Number(f"{name}.{quantity}", *over_seeds(values), cells)
    yield Number(f"{name}.ratio", *ratio_over_seeds(alpha, beta), cells)


def _without_a_law(
    grid: Grid, task: str, compressor: str, name: str
) -> Iterator[Number]:
    slopes, sizes = (
        grid.slopes(task, compressor),
        grid.ladder(task, compressor)["params"].nunique(),
    )
    for column, quantity, cells in (
        ("N", "slope_n", 4),
        ("V", "slope_v", 2 * sizes),
        ("difference", "slope_n_minus_slope_v", 2 * sizes),
    ):
        yield Number(
            f"{name}.{quantity}", *over_seeds(slopes[column]), cells * len(slopes)
        )
    for (n, v), cells in grid.ladder(task, compressor).groupby(
        ["params", "visual_tokens"]
    ):
        yield Number(
            f"{name}.n{n}.v{v}.error",
            *over_seeds(cells["error"]),
            int(cells["count"].sum()),
        )


def _bought(grid: Grid, task: str, compressor: str, name: str) -> Iterator[Number]:
    """The most tokens that a model on the frontier has, if a larger one could be bought: at Q = 0, at the task's own Q, at the paper's."""
    own, models = (
        int(grid.ladder(task, compressor)["text_tokens"].max()),
        len(grid.mean_errors(task, compressor)),
    )
    for cost, q in {
        "q0": 0,
        f"q{own}": own,
        f"q{TYPICAL_QUESTION}": TYPICAL_QUESTION,
        "exact_flops": None,
    }.items():
        below = _below_largest(grid, compressor, task, q)
        if not below.empty:
            yield Number(
                f"{name}.{cost}.optimal_tokens",
                float(below["visual_tokens"].max()),
                count=models,
            )


def _held_out(grid: Grid, task: str, compressor: str, name: str) -> Iterator[Number]:
    predictions = grid.hold_out_largest(task, compressor)
    relative = [
        abs(p.predicted / p.measured - 1) for p in predictions if p.measured > 0
    ]
    if relative:
        yield Number(
            f"{name}.holdout.relative_error",
            float(np.mean(relative)),
            count=len(relative),
        )
        yield Number(
            f"{name}.holdout.share_informative",
            float(np.mean([p.informative for p in predictions])),
            count=len(predictions),
        )
        yield Number(
            f"{name}.holdout.share_holding",
            float(np.mean([p.holds for p in predictions])),
            count=len(predictions),
        )


def _changed(grid: Grid, task: str, compressor: str, name: str) -> Iterator[Number]:
    """What becomes of an error where one thing differs: the order of image and question, three times the steps, depth alone."""
    changes: dict[str, Difference] = {"question_first": "order", "longer": "steps"}
    for change, differs in changes.items():
        for (n, v), rows in grid.beside(task, compressor, differs).groupby(
            ["params", "visual_tokens"]
        ):
            more = over_seeds(rows["error"] - rows["usual"])
            yield Number(
                f"{name}.n{n}.v{v}.{change}.error_minus_baseline",
                *more,
                int(rows["count"].sum()),
            )
    if not grid.cells(task, compressor, "depth").empty:
        for v, rows in grid.slopes_in_depth(task, compressor).groupby("visual_tokens"):
            yield Number(
                f"{name}.v{v}.depth.slope_n", *over_seeds(rows["depth"]), 2 * len(rows)
            )
            yield Number(
                f"{name}.v{v}.depth.slope_n_minus_fixed_aspect",
                *over_seeds(rows["depth"] - rows["ladder"]),
                4 * len(rows),
            )
