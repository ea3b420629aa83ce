"""Scores of generated answers as torchmetrics metrics; count, share parseable, chance and standard error travel with every score."""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torchmetrics import Metric

from vlmcore.data.samples import Sample

ALL = "all"


class Score(NamedTuple):
    """An accuracy and what is needed to judge it. All are shares between 0 and 1, but for the count."""

    value: float
    count: int  # type: ignore[assignment]  # a tuple's own `count` is of no use here
    parseable: float
    """Share of answers that are one of the answers the benchmark knows."""
    chance: float
    """Accuracy of a guess among the answers that make sense to each question."""
    standard_error: float
    """Binomial, of `value` for questions drawn from the same source."""


def normalize(text: str) -> str:
    """Lower case, single spaces, no full stop at the end.

    Example:
        >>> normalize(" A  Red circle. ")
        'a red circle'
    """
    return re.sub(r"\s+", " ", text.lower()).strip().removesuffix(".").rstrip()


class ShortAnswerAccuracy(Metric):
    """Share of generated answers that equal the right one after normalisation, over all questions and by kind.

    Args:
        answers: every answer that the benchmark knows.
        kinds: every kind of question.

    Example:
        >>> metric = ShortAnswerAccuracy(["yes", "no"], ["yes/no"])
        >>> metric.update([" Yes.", "no"], [Sample(0, "is it?", "yes", "yes/no", 2), Sample(1, "is it?", "yes", "yes/no", 2)])
        >>> metric.compute()["all"].value
        0.5
    """

    full_state_update = False
    counts: Tensor
    chance: Tensor

    def __init__(self, answers: Sequence[str], kinds: Sequence[str]) -> None:
        super().__init__()
        self.answers = frozenset(map(normalize, answers))
        self.kinds = {kind: i for i, kind in enumerate(kinds)}
        self.add_state("counts", torch.zeros(len(kinds), 3, dtype=torch.long), dist_reduce_fx="sum")  # asked, parseable, right
        self.add_state("chance", torch.zeros(len(kinds), dtype=torch.double), dist_reduce_fx="sum")

    def update(self, predictions: Sequence[str], samples: Sequence[Sample]) -> None:
        """Adds generated texts and the samples that they answer.

        Raises:
            ValueError: not one text for each sample, or a kind of question that was not announced.
        """
        if len(predictions) != len(samples):
            raise ValueError(f"{len(predictions)} predictions cannot answer {len(samples)} questions; give one for each")
        if unknown := {sample.kind for sample in samples} - set(self.kinds):
            raise ValueError(f"questions of kind {sorted(unknown)} were not announced; the kinds are {sorted(self.kinds)}")
        said = [normalize(prediction) for prediction in predictions]
        kind = torch.tensor([self.kinds[sample.kind] for sample in samples], dtype=torch.long)
        rows = [[1, text in self.answers, text == normalize(sample.answer)] for text, sample in zip(said, samples, strict=True)]
        chance = torch.tensor([1 / sample.choices for sample in samples], dtype=torch.double)
        self.counts.index_add_(0, kind.to(self.counts.device), torch.tensor(rows, dtype=torch.long).view(-1, 3).to(self.counts.device))
        self.chance.index_add_(0, kind.to(self.chance.device), chance.to(self.chance.device))

    def compute(self) -> dict[str, Score]:
        """Scores under `all` and under each kind that was asked."""
        scores = {ALL: _score(self.counts.sum(0), self.chance.sum())}
        for kind, i in self.kinds.items():
            if self.counts[i, 0] > 0:
                scores[kind] = _score(self.counts[i], self.chance[i])
        return scores


def _score(counts: Tensor, chance: Tensor) -> Score:
    asked, parseable, right = counts.tolist()
    if asked == 0:
        raise ValueError("no question was asked; update the metric before computing it")
    value = right / asked
    return Score(value, asked, parseable / asked, chance.item() / asked, math.sqrt(value * (1 - value) / asked))
