"""ANLS, the score for answers that are read off an image (arXiv 1905.13648): a misread letter costs little, another word everything."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric

from vlmcore.evaluation.scores import (
    ALL,
    Judged,
    Score,
    accumulate,
    by_kind,
    keep_tally,
    rows_of,
    same_length,
)


def edit_distance(one: str, other: str) -> int:
    """Letters to insert, delete or replace to turn one text into the other (Levenshtein)."""
    short, long = sorted((one, other), key=len)
    letters = np.array([ord(letter) for letter in short], dtype=np.int64)
    steps = np.arange(len(short) + 1)
    row = steps
    for letter in long:
        replaced, deleted = row[:-1] + (letters != ord(letter)), row[1:] + 1
        best = np.concatenate([[row[0] + 1], np.minimum(replaced, deleted)])
        row = (
            np.minimum.accumulate(best - steps) + steps
        )  # insertions: one more for every letter since the best place to start them
    return int(row[-1])


def anls(prediction: str, references: Sequence[str], threshold: float = 0.5) -> float:
    """Similarity to the most similar reference: one less the edit distance over the length of the longer, 0 from `threshold` on.

    Letter case and the number of spaces do not count.

    Example:
        >>> anls("Vsual token", ["visual token", "token"])
        0.9166666666666666
    """
    if not references:
        raise ValueError("there is no reference; ANLS needs at least one")
    said = _plain(prediction)
    return max(
        _similarity(said, _plain(reference), threshold) for reference in references
    )


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _similarity(one: str, other: str, threshold: float) -> float:
    if one == other:
        return 1.0 if threshold > 0 else 0.0
    longer = max(
        len(one.upper()), len(other.upper())
    )  # as the official script: an ß counts as two letters here
    if (
        abs(len(one) - len(other)) / longer >= threshold
    ):  # the distance is no smaller: spares the work on very long texts
        return 0.0
    distance = edit_distance(one, other) / longer
    return 1 - distance if distance < threshold else 0.0


class ANLS(Metric):
    """Average normalised Levenshtein similarity, over all questions and by kind. Its sums are floating, unlike those of other metrics.

    Args:
        kinds: every kind of question.
        threshold: distance from which on an answer is wrong.
    """

    full_state_update = False
    counts: Tensor
    chance: Tensor

    def __init__(self, kinds: Iterable[str] = (ALL,), threshold: float = 0.5) -> None:
        super().__init__()
        self.kinds, self.threshold = keep_tally(self, kinds, torch.double), threshold

    def update(
        self,
        predictions: Sequence[str],
        references: Sequence[Sequence[str]],
        kinds: Sequence[str] | None = None,
    ) -> None:
        """Adds generated texts, and at least one reference for each."""
        same_length(predictions, references, *([] if kinds is None else [kinds]))
        judged = [
            Judged(anls(said, right, self.threshold), bool(said.strip()))
            for said, right in zip(predictions, references, strict=True)
        ]
        accumulate(self, judged, rows_of(kinds, self.kinds, len(references)))

    def compute(self) -> dict[str, Score]:
        """Scores under `all` and under each kind that was asked."""
        return by_kind(self, self.kinds)
