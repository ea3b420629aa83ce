"""Repeats a run from its own result file, to check that the result reproduces.

    vlmcore rerun book/results/grid/0123456789ab.json

trains everything again that the run has trained, its language model's text
pre-training included, in a temporary folder and with as many threads as the file names,
and prints both scores. On the same machine every answer is the same. Another machine
rounds differently, and training amplifies small differences as another seed would. So
scores are compared in units of the noise over seeds, and the command fails if they are
more than four of these apart. A cell of the grid takes two to fifteen minutes
(`vlmcore sweep plan grid`).
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from vlmcore.experiments.run_config import config_of
from vlmcore.experiments.runner import run_cell
from vlmcore.files import read_json, read_results

TOLERANCE = 4.0
"""Standard errors."""


class Reproduction(NamedTuple):
    """The scores of a run and of its repetition."""

    before: float
    after: float
    changed: int
    """Test questions that only one of the two answered correctly."""
    standard_error: float
    """Of the difference between two trainings that differ in the seed alone, or in
    nothing."""

    @property
    def holds(self) -> bool:
        """Whether the new score reproduces the old one."""
        return abs(self.after - self.before) <= TOLERANCE * self.standard_error


def rerun(path: str | Path) -> Reproduction:
    """Repeats a run in a temporary folder.

    Args:
        path: of its result file; the noise over seeds is read off the results beside
            it.
    """
    path = Path(path)
    before = read_json(path)
    config = config_of(before)
    torch.set_num_threads(before["threads"])
    with tempfile.TemporaryDirectory() as folder:
        accelerator = "auto" if before.get("device") == "cuda" else "cpu"
        after = run_cell(
            config,
            Path(folder) / "results",
            Path(folder) / "work",
            progress=True,
            accelerator=accelerator,
        )
    changed = sum(
        old != new for old, new in zip(before["right"], after["right"], strict=True)
    )
    return Reproduction(
        _score(before)["value"],
        _score(after)["value"],
        changed,
        seed_noise(before, read_results(path.parent)),
    )


def seed_noise(result: dict[str, Any], others: Sequence[dict[str, Any]]) -> float:
    """Standard error of the difference between the scores of two trainings.

    It is √2 times the standard deviation over seeds, and never less than that of two
    scores on as many questions each, which stands alone with fewer than two seeds.

    Args:
        result: a run.
        others: results, among them those that differ from it in the seed alone and
            itself.
    """
    same = [
        _score(other)["value"]
        for other in others
        if "config" in other and _seedless(other) == _seedless(result)
    ]
    over_seeds = float(np.std(same, ddof=1)) if len(same) > 1 else 0.0
    return float(np.sqrt(2)) * max(over_seeds, _score(result)["standard_error"])


def _score(result: dict[str, Any]) -> dict[str, float]:
    return result["scores"]["test"]["all"]


def _seedless(result: dict[str, Any]) -> dict[str, Any]:
    config = result["config"]
    return config | {"training": config["training"] | {"seed": None}}
