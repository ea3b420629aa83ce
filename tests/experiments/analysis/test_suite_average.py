"""Suites of families, on planted laws."""

import pytest

from tests.experiments.analysis.planted import plant
from vlmcore.experiments.analysis.by_question import across, slopes
from vlmcore.experiments.analysis.scaling_grid import Grid
from vlmcore.experiments.analysis.suite_average import suite_cells


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    folder = tmp_path_factory.mktemp("suite")
    plant(folder, seeds=(0, 1))
    return Grid(folder)


def test_a_suite_of_one_family_is_that_family(grid):
    alone = suite_cells(grid, {"ocr": 1.0})
    assert across(slopes(alone)["V"]) == across(grid.slopes("ocr", "quecc")["V"])


def test_errors_are_weighted_means_by_cell(grid):
    keys = ["seed", "params", "visual_tokens"]
    of = {
        task: grid.main_cells(task, "quecc").set_index(keys)["error"]
        for task in ("knowledge", "reasoning")
    }
    suite = suite_cells(grid, {"knowledge": 0.8, "reasoning": 0.2}).set_index(keys)
    expected = 0.8 * of["knowledge"] + 0.2 * of["reasoning"]
    assert suite["error"].sort_index().to_list() == pytest.approx(
        expected.sort_index().to_list()
    )
    assert suite["wrong"].map(lambda marks: marks.mean()).to_list() == pytest.approx(
        suite["error"].to_list(), abs=1e-4
    )


def test_the_ratio_of_a_suite_falls_with_the_weight_of_reasoning(grid):
    ratios = []
    for weight in (1.0, 0.8, 0.5):
        weights = {"knowledge": weight, "reasoning": 1 - weight}
        found = slopes(suite_cells(grid, weights)).mean()
        ratios.append(found["N"] / found["V"])
    assert ratios == sorted(ratios, reverse=True)


def test_weights_have_to_add_up_to_one(grid):
    with pytest.raises(ValueError, match=r"add up to 1\.5"):
        suite_cells(grid, {"knowledge": 1.0, "ocr": 0.5})
