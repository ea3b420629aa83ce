"""The questions of an evaluation: a benchmark, a part of it, or other images."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from vlmcore.config.validation import check_choice, whole
from vlmcore.data.benchmarks.question import Question
from vlmcore.evaluation.benchmarks import Benchmark
from vlmcore.evaluation.rules import rules_of
from vlmcore.evaluation.sources import load_benchmark

IMAGES = ("real", "none", "permuted")
"""The images that questions are asked about: their own, none, or those of others."""


def asked_about(benchmark: Benchmark, images: str, seed: int = 0) -> Benchmark:
    """The same questions about other images.

    Args:
        benchmark: the questions.
        images: `real`, `none` for a blind baseline, or `permuted`: every image goes to
            the questions of another one, in a cycle of random order.
        seed: of the order.

    Raises:
        ValueError: there are no such images, or fewer than two to permute.
    """
    check_choice("images", images, IMAGES)
    if images == "real":
        return benchmark
    if images == "none":
        return replace(benchmark, questions=_mapped(benchmark, lambda _: None))
    cycle = list(dict.fromkeys(q.image for q in benchmark.questions() if q.image))
    if len(cycle) < 2:
        raise ValueError(
            f"{len(cycle)} images cannot be permuted; ask about more, or about none"
        )
    random.Random(seed).shuffle(cycle)
    after = dict(zip(cycle, [*cycle[1:], *cycle[:1]], strict=True))
    return replace(
        benchmark, questions=_mapped(benchmark, lambda image: image and after[image])
    )


def _mapped(benchmark: Benchmark, image: Callable) -> Callable[[], Iterator[Question]]:
    return lambda: (q._replace(image=image(q.image)) for q in benchmark.questions())


def limited(benchmark: Benchmark, limit: int) -> Benchmark:
    """Some of the questions, spread evenly over the file.

    Questions that count together, the two of an image in MME and the rotations of one
    in MMBench, count as one and stay together.
    """
    limit = whole("limit", limit)
    names = list(dict.fromkeys(map(_together, benchmark.questions())))
    step = max(1, len(names) / limit)
    chosen = {names[int(i * step)] for i in range(min(limit, len(names)))}
    return replace(
        benchmark,
        questions=lambda: (q for q in benchmark.questions() if _together(q) in chosen),
    )


def _together(question: Question) -> Any:
    return ("group", question.group) if question.group is not None else question.id


@dataclass(frozen=True)
class Settings:
    """The questions and their rule; a result has these fields in its JSON."""

    benchmark: str
    data: str
    """The folder of the benchmarks' folders."""
    rule: str | None = None
    """Another rule than the official one."""
    limit: int | None = None
    """Questions, as for `limited`; all if None."""
    images: str = "real"
    """As for `asked_about`."""
    max_new_tokens: int = 16

    @classmethod
    def of(cls, result: dict[str, Any]) -> "Settings":
        """The settings of a result."""
        return cls(**{field.name: result[field.name] for field in fields(cls)})

    def questions(self) -> Benchmark:
        """The questions that can be used, with the rule that scores them.

        Raises:
            ValueError: there is no such benchmark or it has no such rule.
        """
        benchmark = load_benchmark(self.benchmark, self.data, skip=True)
        if self.rule:
            check_choice("rule", self.rule, rules_of(benchmark.rule))
            benchmark = replace(benchmark, rule=self.rule)
        if self.limit:
            benchmark = limited(benchmark, self.limit)
        return asked_about(benchmark, self.images)

    @property
    def name(self) -> str:
        """The name of the file of answers, without its end."""
        limit = f"{self.limit}-questions" if self.limit else ""
        images = "" if self.images == "real" else self.images
        return "-".join(part for part in (self.benchmark, limit, images) if part)
