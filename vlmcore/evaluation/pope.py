"""POPE (arXiv 2305.10355): is there a ... in the image? Yes or no, half of each, so that a model that likes to say yes is found out.

The rule reads any text as yes that has no word of denial in its first sentence: an
empty answer says yes. `parseable` counts the answers that say either outright.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torchmetrics import Metric

from vlmcore.evaluation.scores import ALL, Score, numbered, rows_of, same_length

MEAN = "mean"
DENIALS = {"No", "not", "no"}


class YesNo(NamedTuple):
    """Scores of one split. Precision is of the answers yes and recall of the objects that are there; the yes-ratio is of the answers."""

    accuracy: Score
    precision: Score
    recall: Score
    f1: Score
    yes_ratio: Score


def pope_answer(text: str) -> Literal["yes", "no"]:
    """What an answer says: no if its first sentence has one of three words of denial, else yes.

    Example:
        >>> [pope_answer(text) for text in ("No, it is not.", "There is. No doubt.", "", "nope", "NO")]
        ['no', 'yes', 'yes', 'yes', 'yes']
    """
    return "no" if DENIALS & _words(text) else "yes"


def says_outright(text: str) -> bool:
    """Whether the first sentence has a yes, or a word that is read as no."""
    return bool((DENIALS | {"yes", "Yes"}) & _words(text))


def _words(text: str) -> set[str]:
    return set(
        text.split(".")[0].replace(",", "").split(" ")
    )  # at single spaces, as the official script: a line break joins words


def pope_counts(
    predictions: Sequence[str], labels: Sequence[str], rows: Sequence[int], into: Tensor
) -> Tensor:
    """Adds answers to counts, without changing them.

    Args:
        predictions: generated texts.
        labels: `yes` or `no`.
        rows: split of each question.
        into: int (splits, 5): said yes and it is there, said yes and it is not, said no
            and it is, said no and it is not; said outright.

    Raises:
        ValueError: a label is neither.
    """
    if wrong := set(labels) - {"yes", "no"}:
        raise ValueError(f"labels {sorted(wrong)} are neither yes nor no")
    counts = torch.zeros(len(labels), 5, dtype=into.dtype)
    for i, (text, label) in enumerate(zip(predictions, labels, strict=True)):
        counts[i, 2 * (pope_answer(text) == "no") + (label == "no")] = 1
        counts[i, 4] = says_outright(text)
    return into.index_add(
        0,
        torch.tensor(rows, dtype=torch.long, device=into.device),
        counts.to(into.device),
    )


def yes_no_scores(counts: Sequence[int]) -> YesNo:
    """Scores from one row of `pope_counts`; the error of F1 is by the delta method.

    What is not defined, such as precision where yes was never said, is nan.

    Raises:
        ValueError: no question was asked.
    """
    hit, false_alarm, miss, rejected, outright = counts
    asked = hit + false_alarm + miss + rejected
    if asked == 0:
        raise ValueError("no question was asked; update the metric before computing it")
    clear, there = outright / asked, (hit + miss) / asked

    def share(part: int, whole: int, chance: float) -> Score:
        value = part / whole if whole else math.nan
        return Score(
            value,
            whole,
            clear,
            chance,
            math.sqrt(value * (1 - value) / whole) if whole else math.nan,
        )

    weight = 2 * hit + false_alarm + miss
    f1 = 2 * hit / weight if weight else math.nan
    error = math.sqrt(f1 * (1 - f1) * (2 - f1) / weight) if weight else math.nan
    return YesNo(
        accuracy=share(hit + rejected, asked, 0.5),
        precision=share(hit, hit + false_alarm, there),
        recall=share(hit, hit + miss, 0.5),
        f1=Score(f1, asked, clear, there / (there + 0.5), error),
        yes_ratio=share(hit + false_alarm, asked, 0.5),
    )


class POPE(Metric):
    """POPE's scores by split, and their means over the splits; LLaVA-1.5's 85.9 is the mean of three F1.

    The standard error of a mean is the mean of the errors, its largest possible value:
    the splits share images and what is there.

    Args:
        splits: such as `random`, `popular` and `adversarial`.

    Example:
        >>> metric = POPE()
        >>> metric.update(["Yes", "No, there is none.", "yes"], ["yes", "no", "no"])
        >>> metric.compute()["mean"].f1.value
        0.6666666666666666
    """

    full_state_update = False
    counts: Tensor

    def __init__(self, splits: Iterable[str] = (ALL,)) -> None:
        super().__init__()
        self.splits = numbered(splits)
        self.add_state(
            "counts",
            torch.zeros(len(self.splits), 5, dtype=torch.long),
            dist_reduce_fx="sum",
        )

    def update(
        self,
        predictions: Sequence[str],
        labels: Sequence[str],
        splits: Sequence[str] | None = None,
    ) -> None:
        """Adds generated texts.

        Args:
            predictions: generated texts.
            labels: `yes` or `no`.
            splits: of each question; not needed when there is one.
        """
        same_length(predictions, labels, *([] if splits is None else [splits]))
        self.counts = pope_counts(
            predictions, labels, rows_of(splits, self.splits, len(labels)), self.counts
        )

    def compute(self) -> dict[str, YesNo]:
        """Scores under each split that was asked, and under `mean`.

        Raises:
            ValueError: no question was asked.
        """
        scores = {
            split: yes_no_scores(row)
            for split, row in zip(self.splits, self.counts.tolist(), strict=True)
            if sum(row)
        }
        if not scores:
            raise ValueError(
                "no question was asked; update the metric before computing it"
            )
        return scores | {
            MEAN: YesNo(*(_mean(parts) for parts in zip(*scores.values(), strict=True)))
        }


def _mean(scores: Sequence[Score]) -> Score:
    value, count, *rest = (
        sum(column) / len(scores) for column in zip(*scores, strict=True)
    )
    return Score(value, round(count * len(scores)), *rest)
