"""The runs of each experiment, one experiment a file."""

from collections.abc import Callable
from functools import partial

from vlmcore.experiments.run_config import RunConfig
from vlmcore.experiments.suites.ablation import ablation_runs
from vlmcore.experiments.suites.comparison import comparison_runs
from vlmcore.experiments.suites.easyvqa import easyvqa_runs
from vlmcore.experiments.suites.grid import ON_GPU, grid_runs
from vlmcore.experiments.suites.grid2 import grid2_runs
from vlmcore.experiments.suites.smollm2 import real_runs

EXPERIMENTS: dict[str, Callable[[bool], list[RunConfig]]] = {
    "easyvqa": easyvqa_runs,
    "comparison": comparison_runs,
    "grid": grid_runs,
    "grid2": grid2_runs,
    "ablation": ablation_runs,
    "grid-gpu": partial(grid_runs, plan=ON_GPU),
    "real": real_runs,
}
NEEDS_GPU = frozenset({"grid-gpu"})
"""Experiments for which a CPU is too slow."""
