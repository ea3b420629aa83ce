"""Shipped results belong to the runs that they are named for."""

from pathlib import Path

import pytest

from vlmcore.experiments.run_config import (
    config_of,
    identity,
    language_identity,
)
from vlmcore.experiments.suites import EXPERIMENTS
from vlmcore.experiments.suites.grid import GRID_SIZES, grid_run
from vlmcore.files import read_results

pytestmark = pytest.mark.results


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_shipped_results_are_of_the_runs_they_are_named_for(name):
    """Names leave defaults out: a changed default needs another SCHEMA."""
    configs = {identity(config): config for config in EXPERIMENTS[name]()}
    if name == "grid2" and not Path(f"book/results/{name}").exists():
        pytest.skip("none of these runs is shipped yet")
    results = [
        result for result in read_results(f"book/results/{name}") if "seed" in result
    ]
    assert len(results) >= (1 if name == "real" else 6)
    for result in results:
        assert config_of(result) == configs[result["id"]]


def test_the_shipped_language_model_is_of_the_grid_s_smallest_size():
    """The chapters about the grid copy it by its name into the work folder of a run."""
    (folder,) = Path("book/results/grid").glob("language-*")
    run = grid_run("ocr", GRID_SIZES[0], None, 0)
    assert folder.name == f"language-{language_identity(run)}"
