"""Which metric scores which benchmark, and which of its numbers stands in tables."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from vlmcore.data.benchmarks.question import Question
from vlmcore.evaluation.anls import ANLSRule
from vlmcore.evaluation.exact import consistency
from vlmcore.evaluation.lenient import final_answer, final_letter, final_yes_no
from vlmcore.evaluation.metrics import (
    ALL,
    ANLS,
    GQA,
    MME,
    POPE,
    BenchmarkMetric,
    ExactMatch,
    MMBench,
    Normalizer,
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
    read: Callable[[str], str] = str
    """Takes the answer from a generated text, before the metric reads it."""
    across: (
        Callable[[Iterable[Question], Mapping[Hashable, float]], dict[str, Score]]
        | None
    ) = None
    """Gives scores that relate questions, from the points of each answer."""


def _by_kind(metric: Callable[[Iterable[str]], BenchmarkMetric]) -> Callable:
    return lambda questions: metric(question.kind for question in questions)


def _references(question: Question) -> tuple[Any, ...]:
    return question.answers, question.kind


def _answer(question: Question) -> tuple[Any, ...]:
    return question.answers[0], question.kind


def _gqa(question: Question) -> tuple[Any, ...]:
    answer = question.answers[0]
    choices = 2 if answer in ("yes", "no") else None
    return answer, question.kind, choices, question.types


def _gqa_metric(questions: Iterable[Question]) -> GQA:
    kinds, types = dict[str, None](), dict[str, None]()
    for question in questions:
        kinds[question.kind] = None
        types |= dict.fromkeys(question.types)
    return GQA(kinds or (ALL,), types)


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


def _mmbench_headline(scores: dict[str, Any]) -> Score:
    """The circular score, or the vanilla one if no rotations were asked."""
    circular, vanilla = scores[ALL]
    return circular if circular.count else vanilla


def _mme_headline(scores: dict[str, Any]) -> Score:
    """Perception, or cognition if only that was asked."""
    return scores["perception" if "perception" in scores else "cognition"].points


def _scienceqa_headline(scores: dict[str, Any]) -> Score:
    """The image subset, or all questions if none has an image."""
    return scores.get("image", scores[ALL])


def _vqa(normalizer: Normalizer) -> Rule:
    return Rule(_by_kind(partial(VQAAccuracy, normalizer)), _references)


def _anls(rule: ANLSRule) -> Rule:
    return Rule(_by_kind(partial(ANLS, rule=rule)), _references)


_TABLE_1 = {
    "gqa": Rule(_gqa_metric, _gqa, across=consistency),
    "mmbench": Rule(_mmbench_metric, _mmbench, _mmbench_headline),
    "mme": Rule(_mme_metric, _mme, _mme_headline),
    "pope": Rule(_by_kind(POPE), _answer, lambda scores: scores["mean"].f1),
    "scienceqa": Rule(_by_kind(ScienceQA), _scienceqa, _scienceqa_headline),
    "textvqa": _vqa("evalai"),
    "vizwiz": _vqa("evalai"),
    "vqav2": _vqa("evalai"),
}
_READ = {
    "mmbench": final_letter,
    "mme": final_yes_no,
    "pope": final_yes_no,
    "scienceqa": final_letter,
}
_VQAV2: tuple[Normalizer, ...] = ("vqav2_official", "vqav2_2016", "vqav2_2015")
RULES = (
    _TABLE_1
    | {name: _vqa(name) for name in _VQAV2}
    | {"anls": _anls("script"), "anls_paper": _anls("paper")}
    | {"exact": Rule(_by_kind(ExactMatch), _references)}
    | {
        f"{name}_lenient": rule._replace(read=_READ.get(name, final_answer))
        for name, rule in _TABLE_1.items()
    }
)
"""The eight benchmarks of Table 1, officially and with a lenient reading of answers;
VQAv2 as LLaVA submits it and by three states of its own script; and scores for tasks of
reading."""


def rules_of(benchmark: str) -> list[str]:
    """The rules that can score a benchmark of Table 1.

    They take the same of a question as its own, and are no other benchmark's.
    """
    others = _TABLE_1.keys() - {benchmark}
    arguments = RULES[benchmark].arguments
    return [
        name
        for name, rule in RULES.items()
        if rule.arguments is arguments and name.removesuffix("_lenient") not in others
    ]
