"""Which metric scores which benchmark, what it is told about a question, and which of its numbers stands in tables."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from torchmetrics import Metric

from vlmcore.data.benchmarks.question import Question
from vlmcore.evaluation.metrics import (
    ALL,
    ANLS,
    GQA,
    MME,
    POPE,
    ExactMatch,
    MMBench,
    Normalizer,
    ScienceQA,
    Score,
    VQAAccuracy,
    anls,
    gqa_normalize,
    mmbench_option,
    mme_answer,
    normalize,
    pope_answer,
    scienceqa_option,
    vqa_tenths,
)


class Rule(NamedTuple):
    """How answers to a benchmark are scored."""

    metric: Callable[[Iterable[Question]], Metric]
    """Makes the metric; it may look at the questions for the kinds there are."""
    feed: Callable[[Any, Sequence[str], Sequence[Question]], None]
    """Adds answers to it."""
    headline: Callable[[dict[str, Any]], Score]
    """The number that goes into a table."""
    points: Callable[[str, Question], float]
    """What one answer is worth by itself, between 0 and 1: for comparisons by pairs."""


def _kinds(questions: Iterable[Question]) -> list[str]:
    return list(dict.fromkeys(question.kind for question in questions))


def _with_references(
    metric: VQAAccuracy | ANLS | ExactMatch,
    said: Sequence[str],
    questions: Sequence[Question],
) -> None:
    metric.update(said, [q.answers for q in questions], [q.kind for q in questions])


def _gqa(metric: GQA, said: Sequence[str], questions: Sequence[Question]) -> None:
    right = [q.answers[0] for q in questions]
    metric.update(
        said,
        right,
        [q.kind for q in questions],
        [2 if answer in ("yes", "no") else None for answer in right],
    )


def _pope(metric: POPE, said: Sequence[str], questions: Sequence[Question]) -> None:
    metric.update(said, [q.answers[0] for q in questions], [q.kind for q in questions])


def _mme(metric: MME, said: Sequence[str], questions: Sequence[Question]) -> None:
    metric.update(
        said, [q.answers[0] for q in questions], [str(q.group) for q in questions]
    )


def _mmbench(
    metric: MMBench, said: Sequence[str], questions: Sequence[Question]
) -> None:
    right, options = [q.answers[0] for q in questions], [q.options for q in questions]
    metric.update(
        said,
        right,
        options,
        [q.group for q in questions],
        [q.rotation for q in questions],
    )


def _scienceqa(
    metric: ScienceQA, said: Sequence[str], questions: Sequence[Question]
) -> None:
    metric.update(
        said,
        [q.answers[0] for q in questions],
        [len(q.options) for q in questions],
        [q.kind for q in questions],
    )


def _all(scores: dict[str, Score]) -> Score:
    return scores[ALL]


def _vqa(normalizer: Normalizer) -> Rule:
    return Rule(
        lambda questions: VQAAccuracy(normalizer, _kinds(questions)),
        _with_references,
        _all,
        lambda said, q: vqa_tenths(said, q.answers, normalizer) / 10,
    )


RULES = {
    "gqa": Rule(
        lambda questions: GQA(_kinds(questions)),
        _gqa,
        _all,
        lambda said, q: float(gqa_normalize(said) == q.answers[0]),
    ),
    "mmbench": Rule(
        lambda questions: MMBench({q.group: q.kind for q in questions}),
        _mmbench,
        lambda scores: scores[ALL].circular,
        lambda said, q: float(mmbench_option(said, q.options) == q.answers[0]),
    ),
    "mme": Rule(
        lambda questions: MME({str(q.group): q.kind for q in questions}),
        _mme,
        lambda scores: scores["perception"].points,
        lambda said, q: float(mme_answer(said) == q.answers[0].lower()),
    ),
    "pope": Rule(
        lambda questions: POPE(_kinds(questions)),
        _pope,
        lambda scores: scores["mean"].f1,
        lambda said, q: float(pope_answer(said) == q.answers[0]),
    ),
    "scienceqa": Rule(
        lambda questions: ScienceQA(_kinds(questions)),
        _scienceqa,
        lambda scores: scores["image"],
        lambda said, q: float(scienceqa_option(said, len(q.options)) == q.answers[0]),
    ),
    "textvqa": _vqa("evalai"),
    "vizwiz": _vqa("evalai"),
    "vqav2": _vqa("evalai"),
    "vqav2_official": _vqa("vqav2_official"),
    "anls": Rule(
        lambda questions: ANLS(_kinds(questions)),
        _with_references,
        _all,
        lambda said, q: anls(said, q.answers),
    ),
    "exact": Rule(
        lambda questions: ExactMatch(_kinds(questions)),
        _with_references,
        _all,
        lambda said, q: float(normalize(said) in map(normalize, q.answers)),
    ),
}
"""The eight benchmarks of Table 1; VQAv2 twice, as LLaVA submits it and by its own
script; and two scores for tasks of reading."""
