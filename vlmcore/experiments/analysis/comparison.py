"""The compressor comparison: tables with intervals over seeds and questions.

Every model of a task answers the same questions, and every method is trained with the
same seeds. So two methods are compared pair by pair: the same seed, the same question.
Nothing here imports torch.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vlmcore.files import read_results
from vlmcore.scaling import Interval, crossed_mean


class Comparison:
    """The results of the comparison in a folder.

    Args:
        folder: of the result files.

    Raises:
        FileNotFoundError: there is no result.
    """

    def __init__(self, folder: str | Path) -> None:
        runs = [result for result in read_results(folder) if "seed" in result]
        keys = ("task", "compressor", "visual_tokens", "seed")
        self.runs: dict[tuple[str, str, int], dict[int, dict[str, Any]]] = {}
        for run in sorted(runs, key=lambda run: tuple(run[key] for key in keys)):
            task, method, visual_tokens, seed = (run[key] for key in keys)
            self.runs.setdefault((task, method, visual_tokens), {})[seed] = run

    def right(
        self,
        task: str,
        method: str,
        visual_tokens: int,
        seeds: Sequence[int] | None = None,
    ) -> np.ndarray:
        """Which questions were answered correctly, bool (seeds, questions).

        Raises:
            ValueError: there is no such run.
        """
        runs = self.runs.get((task, method, visual_tokens), {})
        wanted = sorted(runs) if seeds is None else seeds
        if not wanted or not set(wanted) <= set(runs):
            raise ValueError(
                f"no result for {method} with V = {visual_tokens} on {task}, seeds "
                f"{wanted or 'any'}; there are {sorted(runs)}"
            )
        return np.array(
            [[mark == "1" for mark in runs[seed]["right"]] for seed in wanted]
        )

    def accuracy(self, task: str, method: str, visual_tokens: int) -> Interval:
        """Share of correct answers over all seeds."""
        return crossed_mean(self.right(task, method, visual_tokens)).clipped()

    def difference(
        self, task: str, one: tuple[str, int], other: tuple[str, int]
    ) -> Interval:
        """Paired difference in accuracy of two methods, each with its V.

        It is over the seeds that both have.
        """
        both = [set(self.runs.get((task, *which), {})) for which in (one, other)]
        seeds = sorted(both[0] & both[1])
        first, second = (
            self.right(task, *which, seeds).astype(int) for which in (one, other)
        )
        return crossed_mean(first - second)

    def table(self, task: str) -> pd.DataFrame:
        """Every method and V of a task: accuracy with interval, and its cost.

        Returns:
            Columns `method`, `visual_tokens`, `accuracy`, `low`, `high`, `seeds`,
            `questions`, `compressor` and `projection` (parameters), `flops` (of the
            whole model for one answer), `training_tokens` (read by the language model
            while these weights were trained) and `kinds` (accuracy by kind of question,
            mean over seeds).
        """
        return pd.DataFrame(
            [
                self._row(task, method, visual_tokens, by_seed)
                for (of, method, visual_tokens), by_seed in self.runs.items()
                if of == task
            ]
        )

    def _row(
        self, task: str, method: str, visual_tokens: int, by_seed: dict[int, Any]
    ) -> dict[str, Any]:
        found = self.accuracy(task, method, visual_tokens)
        runs = list(by_seed.values())
        scores = [
            {kind: score["value"] for kind, score in run["scores"]["test"].items()}
            for run in runs
        ]
        return {
            "method": method,
            "visual_tokens": visual_tokens,
            "accuracy": found.value,
            "low": found.low,
            "high": found.high,
            "seeds": len(runs),
            "questions": len(runs[0]["right"]),
            "compressor": runs[0]["parameters"]["compressor"],
            "projection": runs[0]["parameters"]["projection"],
            "flops": sum(runs[0]["flops"].values()),
            "training_tokens": runs[0]["training_tokens"],
            "kinds": pd.DataFrame(scores).mean().to_dict(),
        }
