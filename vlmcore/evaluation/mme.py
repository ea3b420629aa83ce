"""MME (arXiv 2306.13394): two yes/no questions an image, one of them to be denied; both right earns more than twice one right.

Points of a sub-task are 100 times the share of right answers plus 100 times the share
of images with both right, 200 at most. Ten sub-tasks add up to *perception*, the number
in Table 1, four to *cognition*.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torchmetrics import Metric

from vlmcore.evaluation.scores import Score, numbered, same_length

PERCEPTION = (
    "existence",
    "count",
    "position",
    "color",
    "posters",
    "celebrity",
    "scene",
    "landmark",
    "artwork",
    "OCR",
)
COGNITION = (
    "commonsense_reasoning",
    "numerical_calculation",
    "text_translation",
    "code_reasoning",
)
SUMS = {"perception": PERCEPTION, "cognition": COGNITION}
"""Sums over sub-tasks, and which they are of."""

QUESTIONS = 2
"""Of each image."""


class MMEScore(NamedTuple):
    """Of a sub-task, or of a sum: points (up to 200 a sub-task), share of right answers, share of images with both right."""

    points: Score
    accuracy: Score
    accuracy_plus: Score


def mme_answer(text: str) -> Literal["yes", "no", "other"]:
    """What an answer says, by the whole of it or its first four letters; yes is looked for first.

    Example:
        >>> [mme_answer(text) for text in ("Yes", "no.", "not", "knot", "It is", "")]
        ['yes', 'no', 'no', 'no', 'other', 'other']
    """
    start = text.lower() if text.lower() in ("yes", "no") else text.lower()[:4]
    return "yes" if "yes" in start else "no" if "no" in start else "other"


def mme_counts(
    predictions: Sequence[str], labels: Sequence[str], rows: Sequence[int], into: Tensor
) -> Tensor:
    """Adds answers to counts, without changing them.

    Args:
        predictions: generated texts.
        labels: `yes` or `no`, in any case.
        rows: image of each question.
        into: int (images, 3): questions, parseable answers, right answers.

    Raises:
        ValueError: a label is neither.
    """
    right = [label.lower() for label in labels]
    if wrong := set(right) - {"yes", "no"}:
        raise ValueError(f"labels {sorted(wrong)} are neither yes nor no")
    said = [mme_answer(text) for text in predictions]
    counts = [
        (1, says != "other", says == label)
        for says, label in zip(said, right, strict=True)
    ]
    row = torch.tensor(rows, dtype=torch.long, device=into.device)
    return into.index_add(
        0, row, torch.tensor(counts, dtype=into.dtype, device=into.device).view(-1, 3)
    )


def mme_score(counts: Tensor) -> MMEScore:
    """Scores of one sub-task; images, not questions, are what its errors take as drawn at random.

    Args:
        counts: int (images, 3), as `mme_counts` makes them, of images with both
            questions asked.
    """
    images, parseable = (
        len(counts),
        counts[:, 1].sum().item() / (QUESTIONS * len(counts)),
    )
    right = counts[:, 2].double()
    both = (right == QUESTIONS).double()

    def mean(values: Tensor, count: int, chance: float) -> Score:
        return Score(
            values.mean().item(),
            count,
            parseable,
            chance,
            values.std(correction=0).item() / math.sqrt(images),
        )

    asked = QUESTIONS * images
    return MMEScore(
        mean(50 * right + 100 * both, asked, 75.0),
        mean(right / QUESTIONS, asked, 0.5),
        mean(both, images, 0.25),
    )


class MME(Metric):
    """MME's scores by sub-task, and their sums.

    Args:
        images: sub-task of each image.

    Example:
        >>> metric = MME({"existence/1.jpg": "existence"})
        >>> metric.update(["Yes", "Yes"], ["Yes", "No"], ["existence/1.jpg"] * 2)
        >>> metric.compute()["perception"].points.value
        50.0
    """

    full_state_update = False
    counts: Tensor

    def __init__(self, images: Mapping[str, str]) -> None:
        super().__init__()
        self.tasks, self.rows = dict(images), numbered(images)
        if unknown := set(self.tasks.values()) - {*PERCEPTION, *COGNITION}:
            raise ValueError(
                f"{sorted(unknown)} are no sub-tasks of MME; they are "
                f"{', '.join(PERCEPTION + COGNITION)}"
            )
        self.add_state(
            "counts",
            torch.zeros(len(self.rows), 3, dtype=torch.long),
            dist_reduce_fx="sum",
        )

    def update(
        self, predictions: Sequence[str], labels: Sequence[str], images: Sequence[str]
    ) -> None:
        """Adds generated texts, in any order.

        Raises:
            ValueError: not one of each, a label that is neither yes nor no, or an image
                that was not announced.
        """
        same_length(predictions, labels, images)
        if unknown := set(images) - set(self.rows):
            raise ValueError(
                f"image {min(unknown)!r} was not announced; name every image and its "
                "sub-task when the metric is made"
            )
        self.counts = mme_counts(
            predictions, labels, [self.rows[image] for image in images], self.counts
        )

    def compute(self) -> dict[str, MMEScore]:
        """Scores under each sub-task that was asked, and the sums, over the sub-tasks that were asked, under `perception` and `cognition`.

        Raises:
            ValueError: no question was asked, or one of the two questions of an image
                is missing.
        """
        names, asked = list(self.rows), self.counts[:, 0]
        for i in ((asked != 0) & (asked != QUESTIONS)).nonzero()[:1].flatten().tolist():
            raise ValueError(
                f"image {names[i]!r} was asked {asked[i]} times; MME asks {QUESTIONS} "
                "questions about each"
            )
        task = [self.tasks[name] for name in names]
        scores: dict[str, MMEScore] = {}
        for name in PERCEPTION + COGNITION:
            of_task = torch.tensor(
                [one == name for one in task], dtype=torch.bool, device=asked.device
            ) & (asked > 0)
            if of_task.any():
                scores[name] = mme_score(self.counts[of_task])
        if not scores:
            raise ValueError(
                "no question was asked; update the metric before computing it"
            )
        parts = {
            total: [scores[name] for name in of if name in scores]
            for total, of in SUMS.items()
        }
        return scores | {total: _sum(those) for total, those in parts.items() if those}


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
