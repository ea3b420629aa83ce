"""MME (arXiv 2306.13394): two yes/no questions an image, one of them to be denied.

Points of a sub-task are 100 times the share of right answers plus 100 times the share
of images with both right, 200 at most: both right earns more than twice one right. Ten
sub-tasks add up to *perception*, the number in Table 1, four to *cognition*.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from vlmcore.config.validation import check_kind
from vlmcore.data.benchmarks.yes_no import SUMS
from vlmcore.evaluation.scores import BenchmarkMetric, Judged, Score

_TASKS = sum(SUMS.values(), ())
_QUESTIONS = 2  # of each image


class MMEScore(NamedTuple):
    """The scores of a sub-task, or of a sum of sub-tasks."""

    points: Score
    """Up to 200 a sub-task."""
    accuracy: Score
    """Share of right answers."""
    accuracy_plus: Score
    """Share of images with both answers right."""


def mme_answer(text: str) -> Literal["yes", "no", "other"]:
    """Reads an answer by the whole of it or its first four letters, yes first.

    Example:
        >>> texts = "Yes", "no.", "not", "knot", "It is", ""
        >>> [mme_answer(text) for text in texts]
        ['yes', 'no', 'no', 'no', 'other', 'other']
    """
    check_kind("text", text, str, "give an answer as text")
    start = text.lower() if text.lower() in ("yes", "no") else text.lower()[:4]
    return "yes" if "yes" in start else "no" if "no" in start else "other"


class MME(BenchmarkMetric):
    """MME's scores by sub-task, and their sums.

    Args:
        images: sub-task of each image.
        **options: those of `torchmetrics.Metric`.

    Raises:
        ValueError: there is no such sub-task.

    Example:
        >>> metric = MME({"existence/1.jpg": "existence"})
        >>> metric.update(["Yes", "Yes"], ["Yes", "No"], ["existence/1.jpg"] * 2)
        >>> metric.compute()["perception_points"]
        tensor(50.)
    """

    plot_upper_bound = 200.0 * len(SUMS["perception"])
    row_name = "image"

    def __init__(self, images: Mapping[str, str], **options: Any) -> None:
        check_kind("images", images, Mapping, "give the sub-task of each image")
        if unknown := set(images.values()) - set(_TASKS):
            raise ValueError(
                f"{sorted(unknown)} are no sub-tasks of MME; they are "
                f"{', '.join(_TASKS)}"
            )
        super().__init__(images, columns=3, **options)
        self.tasks = list(images.values())

    def update(  # type: ignore[override]
        self, preds: Sequence[str], target: Sequence[str], images: Sequence[str]
    ) -> None:
        """Adds generated texts, in any order.

        Args:
            preds: generated texts.
            target: `yes` or `no`, in any case.
            images: image of each question.

        Raises:
            ValueError: not one of each, a label that is neither yes nor no, or an image
                that was not announced.
        """
        self._add(images, preds, target)

    def judge(self, pred: str, target: str, *_: Any) -> Judged:
        """Gives a point for the right one of yes and no."""
        if target.lower() not in ("yes", "no"):
            raise ValueError(f"label {target!r} is neither yes nor no")
        answer = mme_answer(pred)
        return Judged(int(answer == target.lower()), answer != "other", 0.5)

    def _counts(self, judged: Judged, *_: Any) -> tuple[float, ...]:
        return 1, judged.parseable, judged.points

    def _scores(self) -> dict[str, MMEScore]:
        """Raises ValueError when one of the two questions of an image is missing."""
        asked = self.sums[:, 0]
        for i in (
            ((asked != 0) & (asked != _QUESTIONS)).nonzero()[:1].flatten().tolist()
        ):
            raise ValueError(
                f"image {list(self.rows)[i]!r} was asked {int(asked[i])} times; MME "
                f"asks {_QUESTIONS} questions about each"
            )
        number = {task: i for i, task in enumerate(_TASKS)}
        task = torch.tensor([number[task] for task in self.tasks], device=asked.device)
        scores = {
            name: _score_of(self.sums[chosen])
            for name, i in number.items()
            if (chosen := (task == i) & (asked > 0)).any()
        }
        parts = {
            total: [scores[name] for name in names if name in scores]
            for total, names in SUMS.items()
        }
        return scores | {total: _sum(those) for total, those in parts.items() if those}


def _score_of(counts: Tensor) -> MMEScore:
    """The scores of one sub-task; its errors are for images drawn at random.

    Args:
        counts: (images, 3) questions, parseable answers and right answers, of images
            with both questions asked.
    """
    images, right = len(counts), counts[:, 2]
    asked = _QUESTIONS * images
    parseable = counts[:, 1].sum().item() / asked
    both = (right == _QUESTIONS).double()

    def mean(values: Tensor, count: int, chance: float) -> Score:
        error = values.std(correction=0).item() / math.sqrt(images)
        return Score(values.mean().item(), count, parseable, chance, error)

    return MMEScore(
        mean(50 * right + 100 * both, asked, 75.0),
        mean(right / _QUESTIONS, asked, 0.5),
        mean(both, images, 0.25),
    )


def _sum(parts: Sequence[MMEScore]) -> MMEScore:
    """Points added up; shares over all questions or images together."""
    points, *shares = zip(*parts, strict=True)
    return MMEScore(
        _pooled(points, [1.0] * len(parts)),
        *(_pooled(scores, _weights(scores)) for scores in shares),
    )


def _weights(scores: Sequence[Score]) -> list[float]:
    return [score.count / sum(score.count for score in scores) for score in scores]


def _pooled(scores: Sequence[Score], weights: Sequence[float]) -> Score:
    pairs = list(zip(weights, scores, strict=True))
    return Score(
        sum(w * s.value for w, s in pairs),
        sum(s.count for s in scores),
        sum(w * s.parseable for w, s in zip(_weights(scores), scores, strict=True)),
        sum(w * s.chance for w, s in pairs),
        math.hypot(*(w * s.standard_error for w, s in pairs)),
    )
