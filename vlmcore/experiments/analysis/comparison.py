"""What the race of the compressors says: its results as tables, with intervals for means over seeds and questions.

Every model of a task answers the same questions, and every method is trained with the
same seeds. So two methods are compared by pairs: the same seed, the same question.
Nothing here imports torch.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from vlmcore.files import read_results


class Estimate(NamedTuple):
    """A mean over seeds and questions, with an interval for both."""

    value: float
    low: float | None
    """None with fewer than three seeds: of two, Student's t makes an interval that says
    nothing (it multiplies by 12.7)."""
    high: float | None
    seeds: int
    questions: int


def crossed_mean(values: ArrayLike, level: float = 0.95) -> Estimate:
    """Mean of what every seed did on every question, and an interval for it; a single further seed may well lie outside.

    Seeds and questions are both random, and crossed. The half-width of the t-interval
    of the seeds' means and that of the questions' means are added in quadrature, each
    with its own degrees of freedom. What a seed makes of a single question is counted
    in both, so the interval is a little too wide.

    Args:
        values: float (seeds, questions): right or wrong, or the difference of two
            models.
        level: of the interval.

    Raises:
        ValueError: the values are no such table.
    """
    table = np.asarray(values, dtype=float)
    if table.ndim != 2 or not table.size:
        raise ValueError(
            f"values of shape {table.shape} are no table; give one row a seed and one "
            "column a question"
        )
    seeds, questions = table.shape
    mean = float(table.mean())
    if seeds < 3 or questions < 2:
        return Estimate(mean, None, None, seeds, questions)
    half = float(
        np.hypot(
            *(
                stats.t.ppf((1 + level) / 2, n - 1) * stats.sem(table.mean(axis))
                for n, axis in ((seeds, 1), (questions, 0))
            )
        )
    )
    return Estimate(mean, mean - half, mean + half, seeds, questions)


class Comparison:
    """The results of the race in a folder.

    Args:
        folder: of the result files.

    Raises:
        FileNotFoundError: there is no result.
    """

    def __init__(self, folder: str | Path) -> None:
        runs = [result for result in read_results(folder) if "seed" in result]
        self.runs: dict[tuple[str, str, int], dict[int, dict[str, Any]]] = {}
        for run in sorted(
            runs,
            key=lambda run: (
                run["task"],
                run["compressor"],
                run["visual_tokens"],
                run["seed"],
            ),
        ):
            self.runs.setdefault(
                (run["task"], run["compressor"], run["visual_tokens"]), {}
            )[run["seed"]] = run

    def right(
        self,
        task: str,
        method: str,
        visual_tokens: int,
        seeds: Sequence[int] | None = None,
    ) -> np.ndarray:
        """Which questions were answered rightly, bool (seeds, questions).

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

    def accuracy(self, task: str, method: str, visual_tokens: int) -> Estimate:
        """Share of right answers over all seeds; an interval of a share ends at 0 and 1."""
        found = crossed_mean(self.right(task, method, visual_tokens))
        if found.low is None or found.high is None:
            return found
        return found._replace(low=max(found.low, 0.0), high=min(found.high, 1.0))

    def difference(
        self, task: str, one: tuple[str, int], other: tuple[str, int]
    ) -> Estimate:
        """How much more is right with one method and V than with another, by pairs, over the seeds that both have."""
        seeds = sorted(
            set(self.runs.get((task, *one), {}))
            & set(self.runs.get((task, *other), {}))
        )
        first, second = (
            self.right(task, *which, seeds).astype(int) for which in (one, other)
        )
        return crossed_mean(first - second)

    def table(self, task: str) -> pd.DataFrame:
        """Every method and V of a task: accuracy with interval, and what it costs.

        Returns:
            Columns `method`, `visual_tokens`, `accuracy`, `low`, `high`, `seeds`,
            `questions`, `compressor` and `projection` (parameters), `flops` (of the
            whole model for one answer), `training_tokens` (read by the language model
            while these weights were trained) and `kinds` (accuracy by kind of question,
            mean over seeds).
        """
        rows = []
        for (of, method, visual_tokens), by_seed in self.runs.items():
            if of == task:
                run = next(iter(by_seed.values()))
                kinds = pd.DataFrame(
                    [
                        {k: s["value"] for k, s in r["scores"]["test"].items()}
                        for r in by_seed.values()
                    ]
                ).mean()
                rows.append(
                    {
                        "method": method,
                        "visual_tokens": visual_tokens,
                        "accuracy": (
                            found := self.accuracy(of, method, visual_tokens)
                        ).value,
                    }
                    | {
                        "low": found.low,
                        "high": found.high,
                        "seeds": found.seeds,
                        "questions": found.questions,
                    }
                    | {
                        "compressor": run["parameters"]["compressor"],
                        "projection": run["parameters"]["projection"],
                    }
                    | {
                        "flops": sum(run["flops"].values()),
                        "training_tokens": run["training_tokens"],
                        "kinds": kinds.to_dict(),
                    }
                )
        return pd.DataFrame(rows)
