"""The grid's tables and laws, on results planted from known laws."""

from itertools import product

import numpy as np
import pytest

from tests.experiments.analysis.planted import (
    LAWS,
    error_of,
    params_of,
    plant,
    save,
    write,
)
from vlmcore.cost import paper_flops
from vlmcore.experiments.analysis.scaling_grid import Grid
from vlmcore.experiments.suites.grid import GRID_SIZES, GRID_TOKENS, ON_CPU
from vlmcore.scaling import Product


def some(*tasks):
    return {task: LAWS[task] for task in tasks}


def test_planted_laws_are_recovered_for_every_seed(tmp_path):
    plant(tmp_path)
    for task, law in LAWS.items():
        exponents = Grid(tmp_path).exponents(task, "quecc").groupby("seed").mean()
        assert list(exponents.index) == [0, 1, 2]
        for found in exponents[["alpha", "beta"]].to_numpy():
            assert found == pytest.approx([law.alpha, law.beta], abs=5e-3)


def test_the_law_that_is_drawn_is_that_of_all_seeds(tmp_path):
    plant(tmp_path, some("ocr"))
    law, planted = Grid(tmp_path).pooled("ocr", "quecc"), LAWS["ocr"]
    assert law.alpha == pytest.approx(planted.alpha, abs=5e-3)
    assert law.beta == pytest.approx(planted.beta, abs=5e-3)
    with pytest.raises(ValueError, match="0 cells of ocr with tokenpacker are too few"):
        Grid(tmp_path).pooled("ocr", "tokenpacker")


def test_slopes_are_means_over_all_sizes_or_over_both_ends_of_v(
    tmp_path,
):
    """Planted: only the middle size gains by tokens, by a factor of e."""
    for size, v in product(GRID_SIZES, (1, 4, 36)):
        gains = size == GRID_SIZES[2] and v == 36
        write(tmp_path, "knowledge", size, v, 0, 0.5 / (np.e if gains else 1))
    gain = 1 / len(GRID_SIZES) / np.log(36)
    found = Grid(tmp_path).slopes("knowledge", "quecc").loc[0].mean()
    expected = {"N": 0, "V": gain, "difference": -gain}
    assert found.to_dict() == pytest.approx(expected, abs=1e-5)


def test_cells_are_compared_over_the_same_seeds(tmp_path):
    """A much worse seed at V = 1 and 36 alone moves slopes, but no mean and no law."""
    plant(tmp_path, some("knowledge"))
    before = Grid(tmp_path).mean_errors("knowledge", "quecc")
    for size, v in product(GRID_SIZES, (1, 36)):
        write(tmp_path, "knowledge", size, v, 3, 0.9)
    after = Grid(tmp_path)
    assert after.complete_seeds("knowledge", "quecc") == [0, 1, 2]
    assert after.mean_errors("knowledge", "quecc").equals(before)
    slopes = after.slopes("knowledge", "quecc")
    assert list(slopes.index.unique("seed")) == [0, 1, 2, 3]


def test_the_frontier_at_exact_flops_uses_those_of_the_results(tmp_path):
    plant(tmp_path, some("ocr"), seeds=(0,))
    best = Grid(tmp_path).frontier("ocr", "quecc")
    # planted alike for all, so one model is best
    assert set(best["flops"]) == {8} and len(best) == 1


def test_the_frontier_has_no_model_that_a_cheaper_one_beats(tmp_path):
    plant(tmp_path)
    grid = Grid(tmp_path)
    for task in LAWS:
        cells = grid.mean_errors(task, "quecc")
        cost = paper_flops(cells["params"], 50, cells["visual_tokens"])
        for row in grid.frontier(task, "quecc", 50).itertuples():
            assert (cells["error"][cost < row.flops] > row.error).all()


def test_only_main_cells_enter_a_law(tmp_path):
    plant(tmp_path, some("ocr"), seeds=(0,))
    write(tmp_path, "ocr", GRID_SIZES[2], 4, 0, 0.9, order="question_first")
    write(tmp_path, "ocr", GRID_SIZES[2], 4, 0, 0.9, factor=3)
    write(tmp_path, "ocr", GRID_SIZES[2], 0, 0, 0.9, method="blind")
    cells = Grid(tmp_path).main_cells("ocr", "quecc")
    assert len(cells) == len(GRID_SIZES) * len(GRID_TOKENS)
    assert (cells["error"] < 0.9).all()


def test_a_law_of_some_tokens_ignores_the_others(tmp_path):
    """Errors rise at V = 36 alone; only without these cells is the law recovered."""
    law = LAWS["knowledge"]
    plant(tmp_path, some("knowledge"), seeds=(0,))
    for size in GRID_SIZES:
        write(tmp_path, "knowledge", size, 36, 0, 1.2 * error_of(law, size, 36))
    all_tokens, three = (
        Grid(tmp_path).exponents("knowledge", "quecc", tokens=tokens)["beta"].mean()
        for tokens in (None, (1, 4, 16))
    )
    assert all_tokens < 0 and three == pytest.approx(law.beta, abs=5e-3)


def test_a_grid_without_runs_has_no_cells(tmp_path):
    save(tmp_path, {"id": "question_only", "name": "question_only", "task": "ocr"})
    grid = Grid(tmp_path)
    assert grid.table.empty and grid.main_cells("ocr", "quecc").empty
    assert grid.cells("ocr", "blind").empty
    with pytest.raises(ValueError, match="0 and 0 cells of ocr with quecc"):
        grid.slopes_in_depth("ocr", "quecc")


@pytest.mark.parametrize(
    ("variation", "seed", "change", "options"),
    [
        ("order", 1, 0.1, {"order": "question_first"}),
        ("steps", 0, -0.1, {"factor": 3}),
    ],
)
def test_a_varied_cell_is_paired_with_the_main_cell(
    tmp_path, variation, seed, change, options
):
    plant(tmp_path, some("ocr"), seeds=(0, 1))
    error = error_of(LAWS["ocr"], GRID_SIZES[2], 4) + change
    for each in (seed, 2):  # there is no main cell of seed 2
        write(tmp_path, "ocr", GRID_SIZES[2], 4, each, error, **options)
    (row,) = Grid(tmp_path).paired_with_baseline("ocr", "quecc", variation).itertuples()
    assert (row.seed, row.params) == (seed, params_of(GRID_SIZES[2]))
    assert row.error - row.baseline == pytest.approx(change, abs=1e-5)


def test_slopes_in_depth_and_at_a_fixed_aspect(tmp_path):
    """Planted: if only depth grows, errors fall with half the exponent."""
    plant(tmp_path, {"knowledge": Product(AB=0.3, alpha=0.6, beta=0.0, D=0.0)})
    half = Product(AB=0.3, alpha=0.3, beta=0.0, D=0.0)
    for seed, size, v in product(range(3), ON_CPU.depths, (1, 36)):
        write(tmp_path, "knowledge", size, v, seed, error_of(half, size, v))
    grid = Grid(tmp_path)
    cells = grid.of_one_width("knowledge", "quecc")
    assert set(cells[["width", "depth", "visual_tokens"]].itertuples(index=False)) == {
        (64, depth, v) for depth in (2, 4, 8) for v in (1, 36)
    }
    slopes = grid.slopes_in_depth("knowledge", "quecc")
    slopes = slopes.groupby(["visual_tokens", "seed"]).mean()
    assert len(slopes) == 6
    assert slopes.mean().to_dict() == pytest.approx(
        {"depth": 0.3, "fixed_aspect": 0.6}, abs=1e-4
    )
