"""MMBench (arXiv 2307.06281): a question is asked once for each rotation of its options, and counts only if every answer is right.

Who always says A is right once in four times by the usual count, and never by this one.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torchmetrics import Metric

from vlmcore.evaluation.choices import LETTERS, mmbench_option
from vlmcore.evaluation.scores import ALL, Score, numbered, same_length


class MMBenchScore(NamedTuple):
    """Share of questions that are right in every rotation, and in the first."""

    circular: Score
    vanilla: Score


def mmbench_counts(
    predictions: Sequence[str],
    answers: Sequence[str],
    options: Sequence[Sequence[str]],
    rows: Sequence[int],
    rotations: Sequence[int],
    into: Tensor,
) -> Tensor:
    """Adds answers to counts, without changing them.

    Args:
        predictions: generated texts.
        answers: letters of the right options.
        options: their texts, as rotated.
        rows: question of each.
        rotations: which, from 0.
        into: int (questions, 6): options; asked, parseable and right in all rotations;
            asked and right in the first.
    """
    counts = []
    for text, right, texts, rotation in zip(
        predictions, answers, options, rotations, strict=True
    ):
        chosen = mmbench_option(text, texts)
        first = rotation == 0
        counts.append(
            (
                len(texts) * first,
                1,
                chosen is not None,
                chosen == right,
                first,
                first and chosen == right,
            )
        )
    row = torch.tensor(rows, dtype=torch.long, device=into.device)
    return into.index_add(
        0, row, torch.tensor(counts, dtype=into.dtype, device=into.device).view(-1, 6)
    )


def mmbench_score(counts: Tensor) -> MMBenchScore:
    """Both scores from the counts of questions, int (questions, 6)."""
    options, asked, parseable, right, _, first_right = counts.double().T
    readable = (parseable.sum() / asked.sum()).item()

    def share(values: Tensor, chance: Tensor) -> Score:
        value = values.double().mean().item()
        return Score(
            value,
            len(values),
            readable,
            chance.mean().item(),
            math.sqrt(value * (1 - value) / len(values)),
        )

    return MMBenchScore(
        share(right == asked, options**-asked), share(first_right, 1 / options)
    )


class MMBench(Metric):
    """Circular and vanilla accuracy over all questions and by kind. Answers may come in any order.

    Args:
        questions: kind of each question, by its number without the rotation.

    Example:
        >>> metric = MMBench({7: "color"})
        >>> metric.update(["A", "A"], ["A", "B"], [["red", "blue"], ["blue", "red"]], [7, 7], [0, 1])
        >>> scores = metric.compute()["all"]
        >>> scores.vanilla.value, scores.circular.value
        (1.0, 0.0)
    """

    full_state_update = False
    counts: Tensor

    def __init__(self, questions: Mapping[Hashable, str]) -> None:
        super().__init__()
        self.kinds, self.rows = (
            dict(questions),
            {question: row for row, question in enumerate(questions)},
        )
        self.add_state(
            "counts",
            torch.zeros(len(self.rows), 6, dtype=torch.long),
            dist_reduce_fx="sum",
        )

    def update(
        self,
        predictions: Sequence[str],
        answers: Sequence[str],
        options: Sequence[Sequence[str]],
        questions: Sequence[Hashable],
        rotations: Sequence[int],
    ) -> None:
        """Adds generated texts; arguments as for `mmbench_counts`, but for the questions' own numbers.

        Raises:
            ValueError: not one of each, a right option that does not exist, or a
                question that was not announced.
        """
        same_length(predictions, answers, options, questions, rotations)
        for letter, texts in zip(answers, options, strict=True):
            if not (len(letter) == 1 and letter in LETTERS[: len(texts)]):
                raise ValueError(
                    f"option {letter!r} cannot be right where there are {len(texts)}: "
                    f"{', '.join(LETTERS[: len(texts)])}"
                )
        if unknown := set(questions) - set(self.rows):
            raise ValueError(
                f"question {min(unknown, key=str)!r} was not announced; name every "
                "question when the metric is made"
            )
        rows = [self.rows[question] for question in questions]
        self.counts = mmbench_counts(
            predictions, answers, options, rows, rotations, self.counts
        )

    def compute(self) -> dict[str, MMBenchScore]:
        """Scores under `all` and under each kind that was asked.

        Raises:
            ValueError: no question was asked, or one was not asked once in each
                rotation.
        """
        names, asked = list(self.rows), self.counts[:, 1] > 0
        incomplete = (self.counts[:, 1] != self.counts[:, 0]) | (self.counts[:, 4] != 1)
        for i in (asked & incomplete).nonzero()[:1].flatten().tolist():
            options, times = self.counts[i, :2].tolist()
            raise ValueError(
                f"question {names[i]!r} was asked {times} times; it has "
                f"{options or 'no first rotation of its'} options, so ask "
                "it once for each rotation of them"
            )
        if not asked.any():
            raise ValueError(
                "no question was asked; update the metric before computing it"
            )
        of_kind = list(self.kinds.values())
        scores = {ALL: mmbench_score(self.counts[asked])}
        for kind in numbered(of_kind):
            chosen = (
                torch.tensor(
                    [one == kind for one in of_kind],
                    dtype=torch.bool,
                    device=asked.device,
                )
                & asked
            )
            if chosen.any():
                scores[kind] = mmbench_score(self.counts[chosen])
        return scores
