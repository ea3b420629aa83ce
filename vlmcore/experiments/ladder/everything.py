"""All runs of the ladder, one after the other; those with a result are left alone."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from vlmcore.experiments.ladder import plan
from vlmcore.experiments.ladder.cells import run_cell
from vlmcore.experiments.ladder.oracles import run_oracle, run_text

STEPS = ("text", "oracle", "cells")
"""Kinds of runs, in their order."""


def names() -> list[str]:
    """The names of all result files, in the order of the runs."""
    before = [f"{step}-{key}" for step in STEPS[:2] for key in plan.MODELS]
    return before + [cell.name for cell in plan.cells()]


def run(results: Path, work: Path, model: str | None, only: str, part: str) -> None:
    """Does the runs that have no result.

    Args:
        results: folder of the result files.
        work: folder for what can be made again.
        model: only this one, a key of `plan.MODELS`.
        only: one of `STEPS`, or `all`.
        part: `test`, or `development`.

    Raises:
        ValueError: there is no such model or step.
    """
    if model is not None and model not in plan.MODELS:
        raise ValueError(f"no model {model!r}; choose from {', '.join(plan.MODELS)}")
    if only not in (*STEPS, "all"):
        raise ValueError(f"no step {only!r}; choose from {', '.join(STEPS)} or all")
    torch.set_float32_matmul_precision("high")
    keys = [model] if model else list(plan.MODELS)
    options = "" if part == "test" else " --held-out"
    common: Any = {
        "part": part,
        "results": results,
        "work": work,
        "command": f"vlmcore ladder run{options}",
    }
    jobs: dict[str, list[Callable[[], Any]]] = {
        "text": [partial(run_text, key, **common) for key in keys],
        "oracle": [partial(run_oracle, key, **common) for key in keys],
        "cells": [
            partial(run_cell, cell, **common)
            for cell in plan.cells()
            if cell.key in keys
        ],
    }
    for step in STEPS if only == "all" else (only,):
        for job in jobs[step]:
            print(job()["name"], "is done", flush=True)


def status(results: Path) -> str:
    """A line for each missing run, and how many there are."""
    missing = [name for name in names() if not (results / f"{name}.json").exists()]
    done = len(names()) - len(missing)
    return "\n".join(
        [*missing, f"{done} of {len(names())} runs have a result in {results}"]
    )
