"""Which metric scores which benchmark, and which of its numbers stands in tables."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from vlmcore.data.benchmarks.question import Question
from vlmcore.evaluation.metrics import (
    ALL,
    ANLS,
    GQA,
    MME,
    POPE,
    BenchmarkMetric,
    ExactMatch,
    MMBench,
    ScienceQA,
    Score,
    VQAAccuracy,
)


class Rule(NamedTuple):
    """How answers to a benchmark are scored."""

    metric: Callable[[Iterable[Question]], BenchmarkMetric]
    """Makes the metric; it may look at the questions for the kinds there are."""
    arguments: Callable[[Question], tuple[Any, ...]]
    """Gives the arguments of the metric's `judge` behind the answer."""
    headline: Callable[[dict[str, Any]], Score] = lambda scores: scores[ALL]
    """The number that goes into a table."""


def _by_kind(metric: Callable[[Iterable[str]], BenchmarkMetric]) -> Callable:
    return lambda questions: metric(question.kind for question in questions)


def _references(question: Question) -> tuple[Any, ...]:
    return question.answers, question.kind


def _answer(question: Question) -> tuple[Any, ...]:
    return question.answers[0], question.kind


def _gqa(question: Question) -> tuple[Any, ...]:
    answer = question.answers[0]
    return answer, question.kind, 2 if answer in ("yes", "no") else None


def _scienceqa(question: Question) -> tuple[Any, ...]:
    return question.answers[0], question.kind, len(question.options)


def _mme(question: Question) -> tuple[Any, ...]:
    return question.answers[0], str(question.group)


def _mmbench(question: Question) -> tuple[Any, ...]:
    return question.answers[0], question.options, question.group, question.rotation


def _mme_metric(questions: Iterable[Question]) -> MME:
    return MME({str(question.group): question.kind for question in questions})


def _mmbench_metric(questions: Iterable[Question]) -> MMBench:
    return MMBench({question.group: question.kind for question in questions})


_VQA = Rule(_by_kind(partial(VQAAccuracy, "evalai")), _references)
RULES = {
    "gqa": Rule(_by_kind(GQA), _gqa),
    "mmbench": Rule(_mmbench_metric, _mmbench, lambda scores: scores[ALL].circular),
    "mme": Rule(_mme_metric, _mme, lambda scores: scores["perception"].points),
    "pope": Rule(_by_kind(POPE), _answer, lambda scores: scores["mean"].f1),
    "scienceqa": Rule(_by_kind(ScienceQA), _scienceqa, lambda scores: scores["image"]),
    "textvqa": _VQA,
    "vizwiz": _VQA,
    "vqav2": _VQA,
    "vqav2_official": Rule(
        _by_kind(partial(VQAAccuracy, "vqav2_official")), _references
    ),
    "anls": Rule(_by_kind(ANLS), _references),
    "exact": Rule(_by_kind(ExactMatch), _references),
}
"""The eight benchmarks of Table 1; VQAv2 twice, as LLaVA submits it and by its own
script; and two scores for tasks of reading."""
