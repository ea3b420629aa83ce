"""Rows of the grid's tables: trained models, and language models without images."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pandas as pd

from vlmcore.experiments.analysis.by_question import marks_of

Variation = Literal["", "order", "steps", "depth"]
"""The one thing in which a cell differs from the main cells of the grid: the order of
image and question, the number of training steps, the depth at a fixed width; or
nothing."""


def with_variations(table: pd.DataFrame) -> pd.DataFrame:
    """The table of cells with a column `variation`."""
    order = table["order"] != "image_first"
    steps = table["steps"] > table["steps"].min()
    depth = table["width"] != 16 * table["depth"]
    names = ["order", "steps", "depth"]
    return table.assign(variation=np.select([order, steps, depth], names, ""))


def cell_row(result: dict[str, Any]) -> dict[str, Any]:
    """The row of a trained model."""
    config, parameters, flops = result["config"], result["parameters"], result["flops"]
    language, training = config["model"]["language"], config["training"]
    test = result["scores"]["test"]
    return {
        "task": result["task"],
        "compressor": result["compressor"],
        "visual_tokens": result["visual_tokens"],
        "seed": result["seed"],
        "width": language["width"],
        "depth": language["depth"],
        "order": config["model"]["order"],
        "steps": training["align"]["steps"] + training["tune"]["steps"],
        "params": parameters["language"],
        "all_params": sum(parameters[k] for k in ("language", "embedding", "head")),
        # those of the language model
        "flops": sum(flops[k] for k in ("question_pass", "prefill", "decode")),
        "error": 1 - test["all"]["value"],
        "count": test["all"]["count"],
        "wrong": marks_of(result["right"]),
        "shuffled": 1 - result["scores"]["shuffled"]["all"]["value"],
        "kinds": _errors_by_kind(test),
        "text_tokens": result["text_tokens"],
    }


def text_rows(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of a language model that was given scene tokens instead of images.

    There is one for each task and number of scene tokens.
    """
    for task, by_count in result["scores"].items():
        for count, scores in by_count.items():
            yield {
                "task": task,
                "scene_tokens": int(count),
                "seed": result["text_seed"],
                "width": result["language"]["width"],
                "depth": result["language"]["depth"],
                "params": result["parameters"]["language"],
                "error": 1 - scores["all"]["value"],
                "count": scores["all"]["count"],
                "kinds": _errors_by_kind(scores),
            }


def _errors_by_kind(scores: dict[str, Any]) -> dict[str, float]:
    return {kind: 1 - score["value"] for kind, score in scores.items() if kind != "all"}
