"""The metrics that compare texts; each normalises them in its own way."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from vlmcore.config.validation import check_kind
from vlmcore.data.samples import as_texts
from vlmcore.evaluation.scores import ALL, BenchmarkMetric, Judged


def normalize(text: str) -> str:
    """Lower case, single spaces, no full stop at the end.

    Example:
        >>> normalize(" A  Red circle. ")
        'a red circle'
    """
    check_kind("text", text, str, "give an answer as text")
    return re.sub(r"\s+", " ", text.lower()).strip().removesuffix(".").rstrip()


class GQA(BenchmarkMetric):
    """GQA's exact match (arXiv 1902.09506), over all questions and by type.

    Texts are equal after lower-casing and dropping full stops at the end, and nothing
    else: LLaVA hands answers to GQA's script like this, which compares them.
    """

    def judge(self, pred: str, target: str, *_: Any) -> Judged:
        """Gives a point for the right answer; any text is an answer."""
        text = pred.rstrip(".").lower()
        return Judged(int(text == target), bool(text))


class ExactMatch(BenchmarkMetric):
    """Share of answers that equal one of their references after `normalize`.

    It is the strict score for tasks of reading.
    """

    references = True

    def judge(self, pred: str, target: Sequence[str], *_: Any) -> Judged:
        """Gives a point for one of the references; any text is an answer."""
        text = normalize(pred)
        return Judged(int(text in map(normalize, target)), bool(text))


class ShortAnswerAccuracy(BenchmarkMetric):
    """Share of answers that equal the right one after `normalize`.

    Args:
        answers: every answer that the benchmark knows; others are not parseable.
        kinds: every kind of question.
        **options: those of `torchmetrics.Metric`.

    Example:
        >>> metric = ShortAnswerAccuracy(["yes", "no"])
        >>> metric.update([" Yes.", "no"], ["yes", "yes"], choices=[2, 2])
        >>> metric.compute()
        {'all': tensor(0.5000)}
    """

    def __init__(
        self, answers: Iterable[str], kinds: Iterable[str] = (ALL,), **options: Any
    ) -> None:
        known = frozenset(map(normalize, as_texts("answers", answers)))
        super().__init__(kinds, settings=sorted(known), **options)
        self.answers = known

    def judge(self, pred: str, target: str, *_: Any) -> Judged:
        """Gives a point for the right answer."""
        text = normalize(pred)
        return Judged(int(text == normalize(target)), text in self.answers)
