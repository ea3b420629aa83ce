"""The numbers of the grid, on results planted from known laws."""

from itertools import product

import pytest

from tests.experiments.analysis.planted import (
    LAWS,
    error_of,
    params_of,
    plant,
    save,
    write,
)
from vlmcore.experiments.analysis.grid_numbers import grid_numbers
from vlmcore.experiments.analysis.ledger_entries import ENTRIES
from vlmcore.experiments.analysis.scaling_grid import Grid
from vlmcore.experiments.suites.grid import GRID_SIZES, GRID_TOKENS, ON_CPU
from vlmcore.scaling import Product


def numbers(folder, prefix):
    found = grid_numbers(Grid(folder))
    return {name.removeprefix(prefix): each for name, each in found.items()}


def test_contrasts_have_the_planted_signs_and_reach_the_ledger(tmp_path):
    plant(tmp_path / "grid", spread=0.01)
    found = {entry.name: entry.number for entry in ENTRIES["grid"](tmp_path)}
    assert found["grid.knowledge.quecc.alpha_minus_2beta"].low > 0
    assert found["grid.ocr.quecc.alpha_minus_beta"].high < 0
    assert found["grid.reasoning.quecc.alpha_minus_beta"].value < 0
    assert found["grid.knowledge.quecc.q0.optimal_tokens"].value == 1
    assert found["grid.ocr.quecc.q0.optimal_tokens"].value == 36
    assert found["grid.knowledge.quecc.holdout.relative_error"].value < 0.02


def test_counts_are_those_of_the_cells_that_a_number_rests_on(tmp_path):
    law = LAWS["knowledge"]
    plant(tmp_path, {"knowledge": law})
    for size, v in product(GRID_SIZES, (1, 36)):  # a fourth seed, incomplete
        write(tmp_path, "knowledge", size, v, 3, error_of(law, size, v))
    found = numbers(tmp_path, "knowledge.quecc.")
    assert found["alpha"].count == 3 * len(GRID_SIZES) * len(GRID_TOKENS)
    assert found["slope_n"].count == 4 * 4
    assert found["slope_v"].count == 4 * 2 * len(GRID_SIZES)


def test_optimal_tokens_are_below_a_largest_size_that_is_not_on_the_frontier(
    tmp_path,
):
    """The largest size is the worst; the next one is best with all tokens."""
    law = Product(AB=0.4, alpha=0.5, beta=0.1, D=0.0)
    plant(tmp_path, {"reasoning": law}, seeds=(0,))
    for v in GRID_TOKENS:
        write(tmp_path, "reasoning", GRID_SIZES[-1], v, 0, 0.9)
    best = Grid(tmp_path).frontier("reasoning", "quecc", 0)
    assert best["params"].max() == params_of(GRID_SIZES[-2])
    assert numbers(tmp_path, "reasoning.quecc.")["q0.optimal_tokens"].value == 36


def test_variations_are_compared_with_the_main_cells(tmp_path):
    plant(tmp_path, {"ocr": LAWS["ocr"]}, seeds=(0, 1))
    error = error_of(LAWS["ocr"], GRID_SIZES[2], 4)
    write(tmp_path, "ocr", GRID_SIZES[2], 4, 1, error + 0.1, order="question_first")
    write(tmp_path, "ocr", GRID_SIZES[2], 4, 0, error - 0.1, factor=3)
    found = numbers(tmp_path, f"ocr.quecc.n{params_of(GRID_SIZES[2])}.v4.")
    for name, change in (("question_first", 0.1), ("longer", -0.1)):
        more = found[f"{name}.error_minus_baseline"]
        assert more.value == pytest.approx(change, abs=1e-6)


def test_slopes_in_depth(tmp_path):
    plant(tmp_path, {"knowledge": Product(AB=0.3, alpha=0.6, beta=0.0, D=0.0)})
    half = Product(AB=0.3, alpha=0.3, beta=0.0, D=0.0)
    for seed, size, v in product(range(3), ON_CPU.depths, (1, 36)):
        write(tmp_path, "knowledge", size, v, seed, error_of(half, size, v))
    found = numbers(tmp_path, "knowledge.quecc.")
    assert found["v1.depth.slope_n"].value == pytest.approx(0.3, abs=1e-4)
    assert found["v36.depth.slope_n_minus_fixed_aspect"].high < 0


def test_a_grid_without_runs_has_no_numbers(tmp_path):
    save(tmp_path, {"id": "question_only", "name": "question_only", "task": "ocr"})
    assert grid_numbers(Grid(tmp_path)) == {}
