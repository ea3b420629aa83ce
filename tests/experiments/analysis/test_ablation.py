"""The recipe's comparison, on planted results."""

import pytest

from tests.experiments.analysis.test_scaling_grid import (
    LAWS,
    plant,
    planted,
    result,
    write,
)
from vlmcore.experiments.analysis.ablation import numbers, other_ways
from vlmcore.experiments.analysis.headline_numbers import ledger
from vlmcore.experiments.analysis.scaling_grid import Grid
from vlmcore.experiments.suites.grid import GRID_SIZES

MIDDLE = GRID_SIZES[2]


@pytest.fixture
def folders(tmp_path):
    """A grid, and beside it unaligned runs that err .2 more, runs aligned language modelling that err .1 more, and one mixture."""
    grid, recipe = tmp_path / "grid", tmp_path / "ablation"
    grid.mkdir(), recipe.mkdir()
    plant(grid)
    for seed in range(3):
        error = planted(LAWS["ocr"], MIDDLE, 16)
        unaligned = result("ocr", "quecc", MIDDLE, 16, seed, error + 0.2)
        unaligned["config"]["training"]["align"]["steps"] = 0
        write(recipe, unaligned)
        write(
            recipe,
            result(
                "ocr",
                "quecc",
                MIDDLE,
                16,
                seed,
                error + 0.1 + 0.01 * seed,
                order="language modelling",
            ),
        )
    mixture = result("mixture", "quecc", MIDDLE, 1, 0, 0.5)
    kinds = {
        "fact": (0.9, 600),
        "icon": (0.5, 100),
        "left": (0.8, 300),
        "1 character": (0.4, 100),
        "2 characters": (0.2, 100),
    }
    mixture["scores"]["test"] |= {
        kind: {"value": value, "count": count} for kind, (value, count) in kinds.items()
    }
    write(recipe, mixture)
    # what a sweep leaves beside its runs: scores without images, of schools and of
    # guesses
    write(recipe, {"id": "text-0", "name": "text_only", "text_seed": 0})
    write(recipe, {"id": "question_only-pages", "name": "question_only", "task": "ocr"})
    return tmp_path


def test_every_run_stands_beside_its_cell(folders):
    table = other_ways(folders / "ablation", Grid(folders / "grid"))
    more = (
        (table["error"] - table["usual"]).groupby([table["way"], table["seed"]]).mean()
    )
    assert [more["without stage 1", seed] for seed in range(3)] == pytest.approx(
        [0.2] * 3, abs=1e-5
    )
    assert [more["language modelling", seed] for seed in range(3)] == pytest.approx(
        [0.1, 0.11, 0.12], abs=1e-5
    )


def test_a_mixture_is_scored_family_by_family(folders):
    table = (
        other_ways(folders / "ablation", Grid(folders / "grid"))
        .query("way == 'mixture'")
        .set_index("task")
    )
    assert dict(table["error"]) == pytest.approx(
        {"knowledge": 0.1, "reasoning": (50 + 60) / 400, "ocr": 0.7}
    )
    assert dict(table["count"]) == {"knowledge": 600, "reasoning": 400, "ocr": 200}
    assert table.loc["knowledge", "usual"] == pytest.approx(
        planted(LAWS["knowledge"], MIDDLE, 1), abs=1e-5
    )


def test_the_ledger_has_it(folders):
    found = {entry.name: entry for entry in ledger(folders)}
    gap = found["ablation.reading.language_modelling.v16.error_minus_baseline"]
    assert (
        gap.value == pytest.approx(0.11, abs=1e-5)
        and 0.08 < gap.low < gap.value < gap.high < 0.14
        and gap.count == 3_000_000
    )
    assert found["ablation.knowledge.mixture.v1.error_minus_baseline"].low is None, (
        "one seed has no interval"
    )


def test_a_run_without_its_cell_is_left_out(folders):
    write(
        folders / "ablation",
        result("ocr", "quecc", MIDDLE, 16, 7, 0.5, order="no such seed"),
    )
    table = other_ways(folders / "ablation", Grid(folders / "grid"))
    assert set(table["seed"]) == {0, 1, 2} and len(list(numbers(table))) == 5
