"""The grid's tables and laws, on results planted from known laws."""

import json
from itertools import product

import numpy as np
import pytest

from vlmcore.config import QueCCConfig, VLMConfig, to_dict
from vlmcore.cost import paper_flops, parameters
from vlmcore.experiments.analysis.headline_numbers import ledger
from vlmcore.experiments.analysis.preregistered import numbers
from vlmcore.experiments.analysis.scaling_grid import Grid
from vlmcore.experiments.suites.grid import GRID, GRID_SIZES, GRID_TOKENS, ON_CPU
from vlmcore.scaling import Product

LAWS = {
    "knowledge": Product(AB=0.3, alpha=0.6, beta=0.02, D=0.01),
    "reasoning": Product(AB=0.5, alpha=0.2, beta=0.3, D=0.05),
    "ocr": Product(AB=0.7, alpha=0.01, beta=0.4, D=0.0),
}
COUNT = 1_000_000


def result(task, compressor, size, v, seed, error, order="image_first", factor=1):
    model = VLMConfig(
        language=size, visual_tokens=v, compressor=QueCCConfig() if v else None
    )
    right = round((1 - error) * COUNT)
    score = {
        "value": right / COUNT,
        "count": COUNT,
        "parseable": 1.0,
        "chance": 0.1,
        "standard_error": 0.0,
    }
    training = to_dict(GRID.training)
    training["align"]["steps"] *= factor
    return {
        "id": f"{task}{compressor}{size.width}x{size.depth}v{v}s{seed}{order}{factor}",
        "name": "run",
        "task": task,
        "compressor": compressor,
        "visual_tokens": v,
        "seed": seed,
        "config": {"model": to_dict(model) | {"order": order}, "training": training},
        "parameters": parameters(model)._asdict(),
        "flops": {"question_pass": 2, "prefill": 5, "decode": 1},
        "scores": {"test": {"all": score, "fact": score}, "shuffled": {"all": score}},
        "text_tokens": 3,
    }


def plant(folder, laws=LAWS, seeds=(0, 1, 2), spread=0.0, sizes=GRID_SIZES):
    rng = np.random.default_rng(0)
    for task, law in laws.items():
        for seed in seeds:
            tilt = rng.normal(0, spread)
            for size, v in product(sizes, GRID_TOKENS):
                write(
                    folder,
                    result(task, "quecc", size, v, seed, planted(law, size, v, tilt)),
                )


def planted(law, size, v, tilt=0.0):
    n = parameters(VLMConfig(language=size)).language / 1e5
    return law.AB * n ** -(law.alpha + tilt) * v**-law.beta + law.D


def write(folder, content):
    (folder / f"{content['id']}.json").write_text(json.dumps(content))


def test_planted_laws_come_back_for_every_seed(tmp_path):
    plant(tmp_path)
    grid = Grid(tmp_path)
    for task, law in LAWS.items():
        fits = grid.laws(task, "quecc")
        assert list(fits) == [0, 1, 2]
        for found in fits.values():
            assert (found.law.alpha, found.law.beta) == pytest.approx(
                (law.alpha, law.beta), abs=5e-3
            )


def test_the_law_that_is_drawn_is_that_of_all_seeds(tmp_path):
    plant(tmp_path, {"ocr": LAWS["ocr"]})
    law = Grid(tmp_path).pooled("ocr", "quecc")
    assert (law.alpha, law.beta) == pytest.approx(
        (LAWS["ocr"].alpha, LAWS["ocr"].beta), abs=5e-3
    )
    with pytest.raises(
        ValueError, match="0 cells of pages with tokenpacker are too few"
    ):
        Grid(tmp_path).pooled("ocr", "tokenpacker")


def test_contrasts_have_the_signs_that_were_planted_and_reach_the_ledger(tmp_path):
    (tmp_path / "grid").mkdir()
    plant(tmp_path / "grid", spread=0.01)
    found = {
        entry.name: entry
        for entry in ledger(tmp_path)
        if entry.name.startswith("grid.")
    }
    assert found["grid.knowledge.quecc.alpha_minus_2beta"].low > 0
    assert found["grid.reading.quecc.alpha_minus_beta"].high < 0
    assert found["grid.reasoning.quecc.alpha_minus_beta"].value < 0
    assert found["grid.knowledge.quecc.q0.optimal_tokens"].value == 1
    assert found["grid.reading.quecc.q0.optimal_tokens"].value == 36
    assert found["grid.knowledge.quecc.holdout.relative_error"].value < 0.02


def test_a_seed_with_fewer_cells_is_not_fitted_but_has_slopes(tmp_path):
    plant(tmp_path, {"knowledge": LAWS["knowledge"]})
    n = [parameters(VLMConfig(language=size)).language for size in GRID_SIZES]
    for size, v in product(GRID_SIZES, (1, 36)):
        write(
            tmp_path,
            result(
                "knowledge", "quecc", size, v, 3, planted(LAWS["knowledge"], size, v)
            ),
        )
    grid = Grid(tmp_path)
    assert grid.complete_seeds("knowledge", "quecc") == [0, 1, 2]
    slopes = grid.slopes("knowledge", "quecc")
    assert list(slopes.index) == [0, 1, 2, 3]
    said = {number.name: number.count for number in numbers(grid)}
    assert said["knowledge.quecc.slope_n"] == 4 * 4 and said[
        "knowledge.quecc.slope_v"
    ] == 4 * 2 * len(GRID_SIZES)
    cells = grid.mean_errors("knowledge", "quecc").set_index(
        ["params", "visual_tokens"]
    )["error"]
    errors = [cells[n[i], 1] for i in (0, -1)]
    assert errors[0] > errors[1]


def test_the_slope_in_tokens_is_the_mean_over_all_sizes_and_that_in_parameters_over_both_ends(
    tmp_path,
):
    """Planted: the middle size alone gains by tokens, by a factor of e."""
    for size, v in product(GRID_SIZES, (1, 4, 36)):
        write(
            tmp_path,
            result(
                "knowledge",
                "quecc",
                size,
                v,
                0,
                0.5 / (np.e if size == GRID_SIZES[2] and v == 36 else 1),
            ),
        )
    gain = 1 / len(GRID_SIZES) / np.log(36)
    found = Grid(tmp_path).slopes("knowledge", "quecc").loc[0]
    assert found.to_dict() == pytest.approx(
        {"N": 0, "V": gain, "difference": -gain}, abs=1e-5
    )


def test_cells_are_compared_over_the_same_seeds(tmp_path):
    """A further seed at V = 1 and 36 alone, and much worse, moves slopes but no mean, which would not be over the same histories."""
    plant(tmp_path, {"knowledge": LAWS["knowledge"]})
    before = Grid(tmp_path).mean_errors("knowledge", "quecc")
    for size, v in product(GRID_SIZES, (1, 36)):
        write(tmp_path, result("knowledge", "quecc", size, v, 3, 0.9))
    after = Grid(tmp_path)
    assert (
        after.mean_errors("knowledge", "quecc").equals(before)
        and len(after.slopes("knowledge", "quecc")) == 4
    )


def test_the_frontier_at_exact_operations_uses_those_of_the_results(tmp_path):
    plant(tmp_path, {"ocr": LAWS["ocr"]}, seeds=(0,))
    best = Grid(tmp_path).frontier("ocr", "quecc")
    assert (
        set(best["flops"]) == {8} and len(best) == 1
    )  # planted alike for all, so one model is best


def test_only_cells_of_the_plan_enter_a_law(tmp_path):
    plant(tmp_path, {"ocr": LAWS["ocr"]}, seeds=(0,))
    before = Grid(tmp_path).ladder("ocr", "quecc")
    write(
        tmp_path,
        result("ocr", "quecc", GRID_SIZES[2], 4, 0, 0.9, order="question_first"),
    )
    write(tmp_path, result("ocr", "quecc", GRID_SIZES[2], 4, 0, 0.9, factor=3))
    write(tmp_path, result("ocr", "blind", GRID_SIZES[2], 0, 0, 0.9))
    after = Grid(tmp_path).ladder("ocr", "quecc")
    assert len(before) == len(after) == len(GRID_SIZES) * len(GRID_TOKENS)
    assert (after["error"] < 0.9).all()


def test_the_frontier_holds_no_model_that_a_cheaper_one_beats(tmp_path):
    plant(tmp_path)
    grid = Grid(tmp_path)
    for task in LAWS:
        cells = grid.mean_errors(task, "quecc")
        best = grid.frontier(task, "quecc", 50)
        for row in best.itertuples():
            cheaper = cells[
                [
                    paper_flops(n, 50, v) < row.flops
                    for n, v in zip(
                        cells["params"], cells["visual_tokens"], strict=True
                    )
                ]
            ]
            assert (cheaper["error"] > row.error).all()


def test_a_grid_without_runs_says_nothing(tmp_path):
    write(
        tmp_path,
        {"id": "question_only-pages", "name": "question_only", "task": "ocr"},
    )
    grid = Grid(tmp_path)
    assert (
        list(numbers(grid)) == []
        and grid.ladder("ocr", "quecc").empty
        and grid.cells("ocr", "blind").empty
    )
    with pytest.raises(ValueError, match="0 and 0 cells of pages with quecc"):
        grid.slopes_in_depth("ocr", "quecc")


def test_tokens_to_buy_are_those_below_the_largest_size_even_if_it_is_not_on_the_frontier(
    tmp_path,
):
    """The largest size is the worst at every V, so it is not on the frontier; the one before it is, and has all tokens."""
    plant(
        tmp_path, {"reasoning": Product(AB=0.4, alpha=0.5, beta=0.1, D=0.0)}, seeds=(0,)
    )
    for v in GRID_TOKENS:
        write(tmp_path, result("reasoning", "quecc", GRID_SIZES[-1], v, 0, 0.9))
    n = [parameters(VLMConfig(language=size)).language for size in GRID_SIZES]
    best = Grid(tmp_path).frontier("reasoning", "quecc", 0)
    assert best["params"].max() == n[-2] and best["visual_tokens"].max() == 36
    said = {number.name: number.value for number in numbers(Grid(tmp_path))}
    assert said["reasoning.quecc.q0.optimal_tokens"] == 36


def test_a_law_of_some_tokens_forgets_the_others(tmp_path):
    """At V = 36 alone errors rise; without these cells the planted law comes back, with them it does not."""
    plant(tmp_path, {"knowledge": LAWS["knowledge"]}, seeds=(0,))
    for size in GRID_SIZES:
        write(
            tmp_path,
            result(
                "knowledge",
                "quecc",
                size,
                36,
                0,
                1.2 * planted(LAWS["knowledge"], size, 36),
            ),
        )
    grid = Grid(tmp_path)
    beta = [
        grid.exponents("knowledge", "quecc", tokens=tokens).loc[0, "beta"]
        for tokens in (None, (1, 4, 16))
    ]
    assert beta[0] < 0 and beta[1] == pytest.approx(LAWS["knowledge"].beta, abs=5e-3)


def test_cells_that_differ_in_one_thing_stand_beside_those_of_the_ladder(tmp_path):
    law = LAWS["ocr"]
    plant(tmp_path, {"ocr": law}, seeds=(0, 1))
    usual = planted(law, GRID_SIZES[2], 4)
    write(
        tmp_path,
        result(
            "ocr", "quecc", GRID_SIZES[2], 4, 1, usual + 0.1, order="question_first"
        ),
    )
    write(tmp_path, result("ocr", "quecc", GRID_SIZES[2], 4, 0, usual - 0.1, factor=3))
    write(
        tmp_path, result("ocr", "quecc", GRID_SIZES[2], 4, 2, 0.5, factor=3)
    )  # a seed that has nothing to stand beside
    grid = Grid(tmp_path)
    assert [
        (row.seed, round(row.error - row.usual, 3))
        for row in grid.beside("ocr", "quecc", "order").itertuples()
    ] == [(1, 0.1)]
    assert [
        (row.seed, round(row.error - row.usual, 3))
        for row in grid.beside("ocr", "quecc", "steps").itertuples()
    ] == [(0, -0.1)]
    said = {number.name: number.value for number in numbers(grid)}
    n = parameters(VLMConfig(language=GRID_SIZES[2])).language
    assert said[
        f"reading.quecc.n{n}.v4.question_first.error_minus_baseline"
    ] == pytest.approx(0.1, abs=1e-6)
    assert said[f"reading.quecc.n{n}.v4.longer.error_minus_baseline"] == pytest.approx(
        -0.1, abs=1e-6
    )


def test_the_slope_in_depth_stands_beside_the_ladders(tmp_path):
    """Planted: by depth errors fall with half the exponent of the ladder."""
    law, shallow, deep = Product(AB=0.3, alpha=0.6, beta=0.0, D=0.0), *ON_CPU.depths
    plant(tmp_path, {"knowledge": law})
    half = Product(AB=0.3, alpha=0.3, beta=0.0, D=0.0)
    for seed, size, v in product(range(3), (shallow, deep), (1, 36)):
        write(
            tmp_path,
            result("knowledge", "quecc", size, v, seed, planted(half, size, v)),
        )
    grid = Grid(tmp_path)
    assert set(
        grid.of_one_width("knowledge", "quecc")
        .value_counts(["width", "depth", "visual_tokens"])
        .index
    ) == {(64, depth, v) for depth in (2, 4, 8) for v in (1, 36)}
    slopes = grid.slopes_in_depth("knowledge", "quecc")
    assert len(slopes) == 6
    assert slopes["depth"].to_numpy() == pytest.approx(0.3, abs=1e-4) and slopes[
        "ladder"
    ].to_numpy() == pytest.approx(0.6, abs=1e-4)
    said = {number.name: number for number in numbers(grid)}
    assert said["knowledge.quecc.v1.depth.slope_n"].value == pytest.approx(
        0.3, abs=1e-4
    )
    assert said["knowledge.quecc.v36.depth.slope_n_minus_fixed_aspect"].high < 0
