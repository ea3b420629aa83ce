"""Evaluation of a model on a benchmark: ask it, keep its answers in a file, score them.

A `Benchmark` is a way to read its questions, again and again and one at a time, and the
rule that scores the answers. Answers are appended batch by batch, with fingerprints of
model and image; a run that is killed resumes behind the last whole line. Scoring
reads the file of answers and nothing else of the model, so it scores the answers of
other code too, in any order.
"""

import base64
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from vlmcore.config.validation import as_path, check_kind, whole
from vlmcore.data.benchmarks.foreign_answers import matched_answers
from vlmcore.data.benchmarks.joining import join
from vlmcore.data.benchmarks.llava import (
    Answer,
    append_answers,
    unanswered,
)
from vlmcore.data.benchmarks.multiple_choice import ROTATION
from vlmcore.data.benchmarks.question import Question
from vlmcore.evaluation.rules import RULES
from vlmcore.evaluation.scores import Score
from vlmcore.files import make_folder
from vlmcore.fingerprint import fingerprint, torch_version
from vlmcore.models.images import UnreadableImageError, read_image
from vlmcore.models.vlm import VLM

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
    vlm: VLM, benchmark: Benchmark, answers: str | Path, **options: Any
) -> Evaluation:
    """Asks a model the questions it has not answered yet, and scores all its answers.

    Args:
        vlm: the model under evaluation.
        benchmark: its questions and its rule.
        answers: file to append answers to, in LLaVA's format.
        **options: of `ask`.
    """
    ask(vlm, benchmark, answers, **options)
    return score(benchmark, answers)


def ask(
    vlm: VLM,
    benchmark: Benchmark,
    answers: str | Path,
    *,
    model: str = "vlm",
    batch_size: int = 64,
    max_new_tokens: int = 16,
) -> None:
    """Appends a model's answers to a file until every question has one.

    At most a batch is asked twice when the process is killed.

    Args:
        vlm: the model under evaluation.
        benchmark: its questions.
        answers: the file; the answers it has are kept if they are those that the model
            would give again.
        model: name of the model, written beside its answers.
        batch_size: questions a step.
        max_new_tokens: the longest answer.

    Raises:
        FileNotFoundError: an image is missing.
        ValueError: the file holds answers to other questions or images, of another
            model, or made with other options or another version of torch.
    """
    check_benchmark(benchmark)
    if not hasattr(vlm, "ask"):
        raise ValueError(f"a {type(vlm).__name__} cannot be asked; give a VLM")
    batch_size = whole("batch_size", batch_size)
    answers = as_path("answers", answers)
    make_folder(answers.parent)
    of_all = {"weights": fingerprint(vlm), "max_new_tokens": max_new_tokens}
    of_all["torch"] = torch_version()

    def made_of(question: Question) -> dict[str, Any]:
        return of_all | {"image": fingerprint(_image_data(question))}

    rest = unanswered(benchmark.questions(), answers, model, made_of)
    while batch := list(islice(rest, batch_size)):
        metadata = list(map(made_of, batch))
        texts = _texts(vlm, batch, max_new_tokens)
        lines = [
            Answer(question.id, question.prompt, text.strip(), model, about | problem)
            for question, about, (text, problem) in zip(
                batch, metadata, texts, strict=True
            )
        ]
        append_answers(answers, lines)


def score(benchmark: Benchmark, answers: str | Path) -> Evaluation:
    """Scores a file of answers, in any order.

    Raises:
        ValueError: a question has no answer or two, an answer no question, or only a
            server knows what is right.
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
    left_out = []
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
    scores = metric.scores()
    if rule.across:
        scores |= rule.across(benchmark.questions(), points(benchmark, answers))
    return Evaluation(rule.headline(scores), scores, left_out)


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


def open_image(question: Question) -> Image.Image | None:
    """Opens the image of a question; None for a question about text.

    Raises:
        FileNotFoundError: the file is missing.
        UnreadableImageError: it cannot be decoded.
    """
    source, field = question.image, f"{question.where}: field 'image',"
    if source is None:
        return None
    if isinstance(source, Path):
        return read_image(source, f"{field} {source},")
    try:
        packed = _from_base64(source)
    except ValueError as error:
        problem = f"{field} its base64, cannot be decoded ({error})"
        raise UnreadableImageError(problem) from error
    return read_image(packed, f"{field} its base64,")


def _from_base64(text: str) -> bytes:
    """Bytes of base64 with line breaks, without padding, for addresses or in one."""
    text = "".join(re.sub(r"^data:[^,]*,", "", text).split()).rstrip("=")
    standard = text.replace("-", "+").replace("_", "/")
    return base64.b64decode(standard + "=" * (-len(text) % 4), validate=True)


def _image_data(question: Question) -> bytes | str | None:
    """The bytes of an image's file, or its base64."""
    source = question.image
    if isinstance(source, Path):
        return source.read_bytes() if source.exists() else str(open_image(question))
    return source


def _texts(
    vlm: VLM, batch: Sequence[Question], max_new_tokens: int
) -> list[tuple[str, dict[str, str]]]:
    """Answers to a batch, in its order, each with the problem of its image.

    Questions about text get an empty image.
    """
    empty = Image.new("RGB", (1, 1), vlm.vision.padding)
    images, prompts, problems = [], [], {}
    for row, question in enumerate(batch):
        try:
            images.append(open_image(question) or empty)
            prompts.append(question.prompt)
        except UnreadableImageError as error:
            problems[row] = {"unreadable": str(error)}
    texts = iter(vlm.ask(images, prompts, max_new_tokens) if images else [])
    return [
        ("", problems[row]) if row in problems else (next(texts), {})
        for row in range(len(batch))
    ]


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
