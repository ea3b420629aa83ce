"""Every number that the book states about the grid, by name."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from vlmcore.experiments import FAMILIES
from vlmcore.experiments.analysis.by_question import (
    across,
    by_question,
    ratio_across,
    slopes,
)
from vlmcore.experiments.analysis.grid_rows import Variation
from vlmcore.experiments.analysis.preregistered import below_largest
from vlmcore.experiments.analysis.scaling_grid import Grid
from vlmcore.experiments.analysis.see_and_know import (
    deviation,
    errors_multiply,
    see_and_know,
)
from vlmcore.experiments.analysis.suite_average import suite_cells
from vlmcore.paper import TYPICAL_QUESTION
from vlmcore.scaling import Interval

_Numbers = Iterator[tuple[str, Interval]]
SUITES = (0.9, 0.8, 0.5)
"""Weights of *knowledge* in an average with *reasoning*."""
_VARIATIONS: dict[str, Variation] = {"question_first": "order", "longer": "steps"}


def grid_numbers(grid: Grid) -> dict[str, Interval]:
    """The numbers of every task and compressor that has a complete seed."""
    return {
        f"{task}.{compressor}.{name}": found
        for task in FAMILIES
        for compressor in ("quecc", "tokenpacker")
        if grid.complete_seeds(task, compressor)
        for part in (
            _exponents,
            _without_a_law,
            _optimal_tokens,
            _held_out,
            _variations,
            _depth,
            _two_forms,
        )
        for name, found in part(grid, task, compressor)
    } | dict(suite_numbers(grid))


def suite_numbers(grid: Grid, compressor: str = "quecc") -> _Numbers:
    """Slopes without a law of suites of *knowledge* and *reasoning*."""
    families = "knowledge", "reasoning"
    if not all(grid.complete_seeds(task, compressor) for task in families):
        return
    for weight in SUITES:
        shares = dict(zip(families, (weight, 1 - weight), strict=True))
        found = slopes(suite_cells(grid, shares, compressor))
        name = f"suite.knowledge{round(100 * weight)}.{compressor}"
        yield f"{name}.slope_n", across(found["N"])
        yield f"{name}.slope_v", across(found["V"])
        yield f"{name}.ratio", ratio_across(found["N"], found["V"])
        twice = across(found["N"] - 2 * found["V"])
        yield f"{name}.slope_n_minus_2_slope_v", twice


def _exponents(grid: Grid, task: str, compressor: str) -> _Numbers:
    count = len(grid.cells_of_complete_seeds(task, compressor))
    for prefix, params in (("", "params"), ("with_embeddings.", "all_params")):
        found = grid.exponents(task, compressor, params=params)
        alpha, beta = found["alpha"], found["beta"]
        intervals = {
            "alpha": across(alpha),
            "beta": across(beta),
            "d": across(found["D"]),
            "alpha_minus_beta": across(alpha - beta),
            "alpha_minus_2beta": across(alpha - 2 * beta),
            "ratio": ratio_across(alpha, beta),
        }
        for name, interval in intervals.items():
            yield f"{prefix}{name}", interval._replace(count=count)


def _without_a_law(grid: Grid, task: str, compressor: str) -> _Numbers:
    slopes, cells = grid.slopes(task, compressor), grid.main_cells(task, compressor)
    sizes = cells["params"].nunique()
    for column, name, per_seed in (
        ("N", "slope_n", 4),
        ("V", "slope_v", 2 * sizes),
        ("difference", "slope_n_minus_slope_v", 2 * sizes),
    ):
        found = across(slopes[column])
        yield name, found._replace(count=per_seed * _seeds(slopes))
    for (n, v), rows in cells.groupby(["params", "visual_tokens"]):
        yield f"n{n}.v{v}.error", across(by_question(rows))


def _optimal_tokens(grid: Grid, task: str, compressor: str) -> _Numbers:
    """The most tokens on the frontier below the largest size, for several Q.

    Q is 0, the task's own, or the paper's; exact FLOPs have the task's own.
    """
    own = int(grid.main_cells(task, compressor)["text_tokens"].max())
    costs = {f"q{q}": q for q in (0, own, TYPICAL_QUESTION)} | {"exact_flops": None}
    models = len(grid.mean_errors(task, compressor))
    for cost, q in costs.items():
        best = below_largest(grid, compressor, task, q)
        if not best.empty:
            most = float(best["visual_tokens"].max())
            yield f"{cost}.optimal_tokens", Interval(most, count=models)


def _held_out(grid: Grid, task: str, compressor: str) -> _Numbers:
    found = grid.hold_out_largest(task, compressor)
    shares: dict[str, list[float]] = {
        "relative_error": [
            abs(each.predicted / each.measured - 1)
            for each in found
            if each.measured > 0
        ],
        "share_informative": [each.informative for each in found],
        "share_holding": [each.holds for each in found],
    }
    if shares["relative_error"]:
        for name, values in shares.items():
            mean = Interval(float(np.mean(values)), count=len(values))
            yield f"holdout.{name}", mean


def _variations(grid: Grid, task: str, compressor: str) -> _Numbers:
    """The change of an error with the question first, or with three times the steps."""
    for name, variation in _VARIATIONS.items():
        pairs = grid.paired_with_baseline(task, compressor, variation)
        for (n, v), rows in pairs.groupby(["params", "visual_tokens"]):
            more = by_question(rows) - by_question(rows, "baseline_wrong")
            yield f"n{n}.v{v}.{name}.error_minus_baseline", across(more)


def _depth(grid: Grid, task: str, compressor: str) -> _Numbers:
    if grid.cells(task, compressor, "depth").empty:
        return
    for v, rows in grid.slopes_in_depth(task, compressor).groupby("visual_tokens"):
        depth, less = rows["depth"], rows["depth"] - rows["fixed_aspect"]
        seeds = _seeds(rows)
        yield f"v{v}.depth.slope_n", across(depth)._replace(count=2 * seeds)
        yield (
            f"v{v}.depth.slope_n_minus_fixed_aspect",
            across(less)._replace(count=4 * seeds),
        )


def _two_forms(grid: Grid, task: str, compressor: str) -> _Numbers:
    """How far errors deviate if errors multiply, and if probabilities do."""
    cells = grid.mean_errors(task, compressor)
    errors = cells.pivot_table("error", "params", "visual_tokens")
    for name, fitted in (
        ("errors_multiply", errors_multiply(errors)),
        ("see_and_know", see_and_know(errors).fitted),
    ):
        yield f"{name}.deviation", Interval(deviation(errors, fitted), count=len(cells))


def _seeds(values: pd.DataFrame) -> int:
    return values.index.get_level_values("seed").nunique()
