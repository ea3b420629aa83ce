"""The training ablation, on planted results."""

import pytest

from tests.experiments.analysis.planted import (
    COUNT,
    LAWS,
    error_of,
    plant,
    result,
    save,
    write,
)
from vlmcore.experiments.analysis.ablation import ablation_numbers, paired_with_grid
from vlmcore.experiments.analysis.ledger_entries import ENTRIES
from vlmcore.experiments.analysis.scaling_grid import Grid
from vlmcore.experiments.suites.grid import GRID_SIZES

MIDDLE = GRID_SIZES[2]


@pytest.fixture
def results(tmp_path):
    """A grid; errors are .2 higher without stage 1, .1 with language modelling."""
    grid, ablation = tmp_path / "grid", tmp_path / "ablation"
    plant(grid)
    error = error_of(LAWS["ocr"], MIDDLE, 16)
    for seed in range(3):
        unaligned = result("ocr", MIDDLE, 16, seed, error + 0.2, order="unaligned")
        unaligned["config"]["training"]["align"]["steps"] = 0
        save(ablation, unaligned)
        write(ablation, "ocr", MIDDLE, 16, seed, error + 0.1 + 0.01 * seed)
    mixture = result("mixture", MIDDLE, 1, 0, 0.5)
    # the questions of the three tasks in turn
    mixture["right"] = "".join(
        "1" * round(COUNT * share) + "0" * round(COUNT * (1 - share))
        for share in (0.9, 0.725, 0.3)
    )
    save(ablation, mixture)
    # what a sweep leaves beside its runs: scores without images
    save(ablation, {"id": "text-0", "name": "text_only", "text_seed": 0})
    save(ablation, {"id": "question_only-ocr", "name": "question_only", "task": "ocr"})
    return tmp_path


def pairs(results):
    return paired_with_grid(results / "ablation", Grid(results / "grid"))


def test_every_run_is_paired_with_its_cell(results):
    table = pairs(results)
    more = table.assign(more=table["error"] - table["baseline"])
    more = more.groupby(["change", "seed"])["more"].mean()
    for change, expected in {
        "without stage 1": [0.2] * 3,
        "language modelling": [0.1, 0.11, 0.12],
    }.items():
        assert more[change].tolist() == pytest.approx(expected, abs=2e-5)


def test_a_mixture_is_scored_task_by_task(results):
    table = pairs(results).query("change == 'mixture'").set_index("task")
    expected = {"knowledge": 0.1, "reasoning": 0.275, "ocr": 0.7}
    assert dict(table["error"]) == pytest.approx(expected)
    assert (table["count"] == COUNT).all()
    assert table.loc["knowledge", "baseline"] == pytest.approx(
        error_of(LAWS["knowledge"], MIDDLE, 1), abs=2e-5
    )


def test_the_ledger_has_it(results):
    found = {entry.name: entry.number for entry in ENTRIES["ablation"](results)}
    gap = found["ablation.ocr.language_modelling.v16.error_minus_baseline"]
    assert gap.value == pytest.approx(0.11, abs=2e-5) and gap.count == 3 * COUNT
    assert 0.08 < gap.low < gap.value < gap.high < 0.14
    one_seed = found["ablation.knowledge.mixture.v1.error_minus_baseline"]
    assert one_seed.low is None


def test_a_run_without_its_cell_is_left_out(results):
    write(results / "ablation", "ocr", MIDDLE, 16, 7, 0.5)
    table = pairs(results)
    assert set(table["seed"]) == {0, 1, 2} and len(ablation_numbers(table)) == 5
