"""The metrics that compare texts; each normalises them in its own way."""

import math
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from vlmcore.config.validation import check_kind
from vlmcore.data.benchmarks.question import UNBALANCED, Question
from vlmcore.data.samples import as_texts
from vlmcore.evaluation.scores import ALL, BenchmarkMetric, Judged, Score


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
    else: LLaVA hands answers to GQA's script like this, which compares them. That
    script scores the balanced questions: those of the kind `unbalanced` have a score of
    their own and are not in `all`.

    Args:
        kinds: every kind of question, such as its structural types.
        types: further types, such as `binary`; a question may have several.
        **options: those of `torchmetrics.Metric`.

    Example:
        >>> metric = GQA(["query"], ["open", "attr"])
        >>> metric.update(["Red."], ["red"], ["query"], types=[("open", "attr")])
        >>> metric.compute()["open"]
        tensor(1.)
    """

    def __init__(
        self,
        kinds: Iterable[str] = (ALL,),
        types: Iterable[str] = (),
        **options: Any,
    ) -> None:
        kinds = as_texts("kinds", kinds)
        super().__init__([*kinds, *as_texts("types", types)], **options)
        self.kinds = frozenset(kinds)

    def update(
        self,
        preds: Sequence[str],
        target: Sequence[str],
        kinds: Sequence[str] | None = None,
        choices: Sequence[int | None] | None = None,
        types: Sequence[Sequence[str]] | None = None,
    ) -> None:
        """Adds generated texts as the base class does, and the types of questions."""
        super().update(preds, target, kinds, choices)
        among = [None] * len(preds) if choices is None else choices
        for pred, right, number, names in zip(
            preds, target, among, types or [()] * len(preds), strict=True
        ):
            count = len(names)
            super().update([pred] * count, [right] * count, names, [number] * count)

    def judge(self, pred: str, target: str, *_: Any) -> Judged:
        """Gives a point for the right answer; any text is an answer."""
        text = pred.rstrip(".").lower()
        return Judged(int(text == target), bool(text))

    def _scores(self) -> dict[str, Any]:
        named = zip(self.rows, self.sums.tolist(), strict=True)
        asked = {str(kind): row for kind, row in named if row[0]}
        in_all = [asked[k] for k in asked if k in self.kinds - {UNBALANCED}]
        whole = [sum(column) for column in zip(*in_all, strict=True)]
        rows = ({ALL: whole} if in_all else {}) | asked
        return {kind: self._mean(row) for kind, row in rows.items()}


def consistency(
    questions: Iterable[Question], points: Mapping[Hashable, float]
) -> dict[str, Score]:
    """Returns GQA's consistency: are answers that follow from a right one right too?

    It is the mean over balanced questions that were answered rightly of the share of
    their entailed questions that were too, as in GQA's script.

    Args:
        questions: of GQA.
        points: of each answer, by the question's id.

    Returns:
        The score under its name, or nothing if no right answer entails another that was
        asked, as in a file of the balanced questions alone.
    """
    shares = []
    for question in questions:
        asked = [points[name] for name in question.entailed if name in points]
        if question.kind != UNBALANCED and points.get(question.id) and asked:
            shares.append(sum(asked) / len(asked))
    if not shares:
        return {}
    mean = sum(shares) / len(shares)
    variance = sum((share - mean) ** 2 for share in shares) / len(shares)
    error = math.sqrt(variance / len(shares))
    return {"consistency": Score(mean, len(shares), 1.0, 0.0, error)}


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
