"""Evaluation of a model on a benchmark: ask it, keep its answers in a file, score them.

A `Benchmark` is a way to read its questions, again and again and one at a time, and the
rule that scores the answers. Answers are appended batch by batch, with fingerprints of
model and image; a run that is killed resumes behind the last whole line. Scoring
reads the file of answers and nothing else of the model, so it scores the answers of
other code too, in any order.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from vlmcore.config.validation import as_path, check_kind
from vlmcore.data.benchmarks.foreign_answers import matched_answers
from vlmcore.data.benchmarks.joining import join
from vlmcore.data.benchmarks.llava import (
    Answer,
    append_answers,
    read_answers,
    unanswered,
)
from vlmcore.data.benchmarks.multiple_choice import ROTATION
from vlmcore.data.benchmarks.question import Question
from vlmcore.data.benchmarks.skipped import Skipped
from vlmcore.evaluation.asking import Asking
from vlmcore.evaluation.image_loading import ImageLoader, preparation
from vlmcore.evaluation.rules import RULES
from vlmcore.evaluation.scores import BenchmarkMetric, Score
from vlmcore.files import held, make_folder

_CHUNK = 4096  # answers scored at a time


@dataclass(frozen=True)
class Benchmark:
    """Questions and the rule that scores answers to them."""

    rule: str
    """One of `RULES`."""
    questions: Callable[[], Iterable[Question]]
    """Reads them from the start, each time it is called."""
    others: Callable[[], Iterable[Question]] = tuple
    """Reads questions of the same files that are not asked; answers to them do not
    count."""
    skipped: Callable[[], Skipped] = Skipped
    """Reads the files once and tells which records are left out."""

    def __post_init__(self) -> None:
        if self.rule not in list(RULES):
            raise ValueError(
                f"there is no rule {self.rule!r}; choose from {', '.join(RULES)}"
            )

    def answers(self, path: str | Path) -> Iterator[Answer]:
        """Yields the answers of a file, of this package or of LLaVA's scripts.

        Answers to questions that are not asked are left out.
        """
        name = self.rule.removesuffix("_lenient")
        name = "vqav2" if name.startswith("vqav2") else name
        left_out = {question.id for question in self.others()}
        for answer in matched_answers(name, self.questions, path):
            if answer.id not in left_out:
                yield answer


class Evaluation(NamedTuple):
    """The scores of a file of answers."""

    headline: Score
    """The number that goes into a table such as Table 1."""
    scores: dict[str, Any]
    """All scores of the metric."""
    unreadable: list[str]
    """Questions left out because an image could not be decoded, with the reason; they
    count as neither right nor wrong."""


def evaluate(
    vlm: Any, benchmark: Benchmark, answers: str | Path, **options: Any
) -> Evaluation:
    """Asks a model the questions it has not answered yet, and scores all its answers.

    Args:
        vlm: the model under evaluation, as for `Asking`.
        benchmark: its questions and its rule.
        answers: file to append answers to, in LLaVA's format.
        **options: the other fields of `Asking`.
    """
    ask(vlm, benchmark, answers, **options)
    return score(benchmark, answers)


def ask(vlm: Any, benchmark: Benchmark, answers: str | Path, **options: Any) -> int:
    """Appends a model's answers to a file until every question has one.

    At most a batch is asked twice when the process is killed.

    Args:
        vlm: the model under evaluation, as for `Asking`.
        benchmark: its questions.
        answers: the file; the answers it has are kept if they are those that the model
            would give again.
        **options: the other fields of `Asking`, such as `batch_size`.

    Returns:
        The number of questions that were asked now.

    Raises:
        ChildProcessError: a process that prepares images has ended.
        FileNotFoundError: an image is missing.
        ValueError: the file holds answers to other questions or images, of another
            model, or made with other options or another version of torch; another
            process adds to it; or a batch is too large for the device.
    """
    check_benchmark(benchmark)
    asking, answers, count = Asking(vlm, **options), as_path("answers", answers), 0
    make_folder(answers.parent)
    answers.open("ab").close()
    rest = unanswered(benchmark.questions(), answers, asking.model, asking.made_of)
    with (
        held(answers) as alone,
        ImageLoader(preparation(vlm), asking.workers) as loader,
        _bar(benchmark, answers, asking.progress) as bar,
    ):
        if alone is False:
            raise ValueError(
                f"another process adds to {answers}; wait for it, or give each a share "
                "of the questions"
            )
        for batch, images in loader.batches(rest, asking.batch_size):
            append_answers(answers, asking.answers(batch, images))
            count += len(batch)
            bar.update(len(batch))
    return count


def _bar(benchmark: Benchmark, answers: Path, shown: bool) -> tqdm:
    """A bar of all questions, of which a file has answered the first."""
    if not shown:
        return tqdm(disable=True)
    total = sum(1 for _ in benchmark.questions())
    before = sum(1 for _ in read_answers(answers, unfinished=True))
    return tqdm(total=total, initial=before, unit="q")


def score(benchmark: Benchmark, answers: str | Path) -> Evaluation:
    """Scores a file of answers, in any order.

    Raises:
        ValueError: a question has no answer or two, an answer no question, only a
            server knows what is right, or nothing is left to score.
    """
    check_benchmark(benchmark)
    unreadable = {
        answer.id: answer.unreadable
        for answer in benchmark.answers(answers)
        if answer.unreadable
    }
    # where several answers count together, one without an image takes the others along
    asked = benchmark.questions() if unreadable else ()
    broken = {question.group for question in asked if question.id in unreadable}
    rule = RULES[benchmark.rule]
    metric = rule.metric(_labelled(benchmark.questions()))
    left_out, scored = [], False
    pairs = join(_answered(benchmark, answers), benchmark.answers(answers))
    while part := list(islice(pairs, _CHUNK)):
        kept = []
        for question, answer in part:
            if answer.unreadable:
                left_out.append(f"{question.id}: {answer.unreadable}")
            elif question.group is not None and question.group in broken:
                left_out.append(
                    f"{question.id}: another image that it is scored with cannot be "
                    "decoded"
                )
            else:
                kept.append((rule.read(answer.text), *rule.arguments(question)))
        if kept:
            metric.update(*zip(*kept, strict=True))
            scored = True
    if not scored:
        raise ValueError(
            f"{answers} has no answer that can be scored; {len(left_out)} are left out "
            "because of their images"
        )
    scores = _scores(metric, answers)
    if rule.across:
        scores |= rule.across(benchmark.questions(), points(benchmark, answers))
    return Evaluation(rule.headline(scores), scores, left_out)


def _scores(metric: BenchmarkMetric, answers: str | Path) -> dict[str, Any]:
    try:
        return metric.scores()
    except ValueError as error:
        raise ValueError(f"{answers}: {error}") from error


def points(benchmark: Benchmark, answers: str | Path) -> dict[Hashable, float]:
    """Returns the points of each answer, between 0 and 1, by the question's id.

    Questions whose image could not be decoded are left out. For two models that
    answered the same questions, `uncertainty.paired_bootstrap` compares the points.
    """
    check_benchmark(benchmark)
    rule = RULES[benchmark.rule]
    metric = rule.metric(())
    pairs = join(_labelled(_answered(benchmark, answers)), benchmark.answers(answers))
    return {
        question.id: metric.judge(
            rule.read(answer.text), *rule.arguments(question)
        ).points
        / metric.full_points
        for question, answer in pairs
        if not answer.unreadable
    }


def check_benchmark(benchmark: Any) -> None:
    """Raises ValueError when a benchmark is none, such as its name."""
    hint = "vlmcore.evaluation.sources.load_benchmark gives one by its name"
    check_kind("benchmark", benchmark, Benchmark, hint)


def _answered(benchmark: Benchmark, answers: str | Path) -> Iterator[Question]:
    """The questions, but of MMBench only first rotations if only they have answers."""
    questions = iter(benchmark.questions())
    if not benchmark.rule.startswith("mmbench"):
        return questions
    ids = (answer.id for answer in benchmark.answers(answers))
    if any(isinstance(number, int) and number >= ROTATION for number in ids):
        return questions
    return (question for question in questions if not question.rotation)


def _labelled(questions: Iterable[Question]) -> Iterator[Question]:
    for question in questions:
        if not question.answers:
            raise ValueError(
                f"{question.where}: question {question.id!r} has no right answer; "
                "write_submission hands answers to a server"
            )
        yield question
