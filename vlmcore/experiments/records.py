"""Results of runs as plain values, as result files hold them."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from vlmcore import cost
from vlmcore.config import VLMConfig, replace, to_dict
from vlmcore.evaluation.metrics import Score
from vlmcore.experiments.run_config import SCHEMA, RunConfig, identity, method
from vlmcore.training.trainer import read_log


def describe_run(
    config: RunConfig,
    sizes: VLMConfig,
    scores: dict[str, dict[str, Score]],
    seconds: dict[str, float],
) -> dict[str, Any]:
    """The part of a result that every run has: config, sizes, scores, versions."""
    label = method(sizes.compressor)
    return {
        "id": identity(config),
        "schema": SCHEMA,
        "name": f"{label}.v{sizes.visual_tokens}.seed{config.training.seed}",
        "task": config.task,
        "compressor": label,
        "visual_tokens": sizes.visual_tokens,
        "seed": config.training.seed,
        "config": to_dict(replace(config, model=sizes)),
        "parameters": cost.parameters(sizes)._asdict(),
        "scores": plain_scores(scores),
        "seconds": {stage: round(value, 1) for stage, value in seconds.items()},
        "threads": torch.get_num_threads(),
        "versions": {
            name: version(name)
            for name in ("torch", "transformers", "lightning", "numpy", "vlmcore")
        }
        | {"python": platform.python_version()},
    }


def logged_losses(run: Path) -> dict[str, dict[str, list[float]]]:
    """Steps and losses of each stage of a run, from its logs."""
    logs = {
        stage: read_log(run / stage)
        for stage in ("align", "tune")
        if any((run / stage).glob("csv/*/metrics.csv"))
    }
    return {
        stage: {"step": log["step"].tolist(), "loss": log["loss"].round(5).tolist()}
        for stage, log in logs.items()
    }


def plain_scores(
    scores: dict[str, dict[str, Score]],
) -> dict[str, dict[str, dict[str, float]]]:
    """Scores by split and kind as plain values, as result files hold them."""
    return {
        split: {kind: value._asdict() for kind, value in kinds.items()}
        for split, kinds in scores.items()
    }
