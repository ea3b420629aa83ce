"""Right means equal: the metrics that compare normalised texts. They differ in what they normalise."""

import re
from collections.abc import Iterable, Sequence

from torch import Tensor
from torchmetrics import Metric

from vlmcore.data.samples import Sample
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


def normalize(text: str) -> str:
    """Lower case, single spaces, no full stop at the end.

    Example:
        >>> normalize(" A  Red circle. ")
        'a red circle'
    """
    return re.sub(r"\s+", " ", text.lower()).strip().removesuffix(".").rstrip()


def gqa_normalize(text: str) -> str:
    """Lower case without full stops at the end, and nothing else: how LLaVA hands answers to GQA's script, which compares them."""
    return text.rstrip(".").lower()


def judge_gqa(prediction: str, answer: str, choices: int | None = None) -> Judged:
    """GQA's rule (arXiv 1902.09506); any text is an answer, unless the question has a number of `choices`."""
    said = gqa_normalize(prediction)
    return Judged(int(said == answer), bool(said), 1 / choices if choices else 0.0)


def judge_exact(prediction: str, references: Sequence[str]) -> Judged:
    """Whether an answer equals one of the references after `normalize`, for tasks of reading."""
    said = normalize(prediction)
    return Judged(int(said in map(normalize, references)), bool(said))


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

    def __init__(self, answers: Iterable[str], kinds: Iterable[str]) -> None:
        super().__init__()
        self.answers = frozenset(map(normalize, answers))
        self.kinds = keep_tally(self, kinds)

    def update(self, predictions: Sequence[str], samples: Sequence[Sample]) -> None:
        """Adds generated texts and the samples that they answer.

        Raises:
            ValueError: not one text for each sample, or a kind of question that was not
                announced.
        """
        same_length(predictions, samples)
        rows = rows_of([sample.kind for sample in samples], self.kinds, len(samples))
        said = [normalize(prediction) for prediction in predictions]
        judged = [
            Judged(
                int(text == normalize(sample.answer)),
                text in self.answers,
                1 / sample.choices,
            )
            for text, sample in zip(said, samples, strict=True)
        ]
        accumulate(self, judged, rows)

    def compute(self) -> dict[str, Score]:
        """Scores under `all` and under each kind that was asked."""
        return by_kind(self, self.kinds)


class GQA(Metric):
    """Exact match after lower-casing and dropping full stops at the end, over all questions and by type.

    Args:
        kinds: every type of question in the file, such as its structural types.
    """

    full_state_update = False
    counts: Tensor
    chance: Tensor

    def __init__(self, kinds: Iterable[str] = (ALL,)) -> None:
        super().__init__()
        self.kinds = keep_tally(self, kinds)

    def update(
        self,
        predictions: Sequence[str],
        answers: Sequence[str],
        kinds: Sequence[str] | None = None,
        choices: Sequence[int | None] | None = None,
    ) -> None:
        """Adds generated texts.

        Args:
            predictions: generated texts.
            answers: the right ones.
            kinds: type of each question; not needed when there is one.
            choices: how many answers make sense to each question, 2 for yes or no, None
                for any text.
        """
        options = [None] * len(answers) if choices is None else choices
        same_length(predictions, answers, options, *([] if kinds is None else [kinds]))
        accumulate(
            self,
            map(judge_gqa, predictions, answers, options),
            rows_of(kinds, self.kinds, len(answers)),
        )

    def compute(self) -> dict[str, Score]:
        """Scores under `all` and under each type that was asked."""
        return by_kind(self, self.kinds)


class ExactMatch(Metric):
    """Share of answers that equal one of their references after `normalize`: the strict score for tasks of reading.

    Args:
        kinds: every kind of question.
    """

    full_state_update = False
    counts: Tensor
    chance: Tensor

    def __init__(self, kinds: Iterable[str] = (ALL,)) -> None:
        super().__init__()
        self.kinds = keep_tally(self, kinds)

    def update(
        self,
        predictions: Sequence[str],
        references: Sequence[Sequence[str]],
        kinds: Sequence[str] | None = None,
    ) -> None:
        """Adds generated texts and what they may equal."""
        same_length(predictions, references, *([] if kinds is None else [kinds]))
        accumulate(
            self,
            map(judge_exact, predictions, references),
            rows_of(kinds, self.kinds, len(references)),
        )

    def compute(self) -> dict[str, Score]:
        """Scores under `all` and under each kind that was asked."""
        return by_kind(self, self.kinds)
