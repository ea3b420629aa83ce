"""Evaluation of a model on a benchmark: ask it, keep its answers in a file, score them.

A `Benchmark` is a way to read its questions, again and again and one at a time, and the
rule that scores the answers. Answers are appended batch by batch; a run that is killed
resumes behind the last whole line. Scoring reads the file of answers and nothing else
of the model, so it scores the answers of other code too, in any order.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vlmcore.data.benchmarks.json_stream import join
from vlmcore.data.benchmarks.llava import (
    Answer,
    append_answers,
    cut_unfinished_line,
    read_answers,
    unanswered,
)
from vlmcore.data.benchmarks.question import Question, UnreadableImageError, open_image
from vlmcore.evaluation.rules import RULES
from vlmcore.evaluation.scores import Score
from vlmcore.models.vlm import VLM

_CHUNK = 4096  # answers scored at a time


@dataclass(frozen=True)
class Benchmark:
    """Questions and the rule that scores answers to them."""

    rule: str
    """One of `RULES`."""
    questions: Callable[[], Iterable[Question]]
    """Reads them from the start, each time it is called."""

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(
                f"there is no rule {self.rule!r}; choose from {', '.join(RULES)}"
            )


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
        answers: the file; the answers it has are kept.
        model: name of the model, written beside its answers.
        batch_size: questions a step.
        max_new_tokens: the longest answer.

    Raises:
        FileNotFoundError: an image is missing.
        ValueError: the file holds answers to other questions or of another model.
    """
    Path(answers).parent.mkdir(parents=True, exist_ok=True)
    cut_unfinished_line(answers)
    rest = iter(unanswered(benchmark.questions(), answers, model))
    while batch := list(islice(rest, batch_size)):
        append_answers(answers, _answered(vlm, batch, model, max_new_tokens))


def score(benchmark: Benchmark, answers: str | Path) -> Evaluation:
    """Scores a file of answers, in any order.

    Raises:
        ValueError: a question has no answer or two, an answer no question, or only a
            server knows what is right.
    """
    unreadable = {
        answer.id: answer.unreadable
        for answer in read_answers(answers)
        if answer.unreadable
    }
    # where several answers count together, one without an image takes the others along
    asked = benchmark.questions() if unreadable else ()
    broken = {question.group for question in asked if question.id in unreadable}
    rule = RULES[benchmark.rule]
    metric = rule.metric(_labelled(benchmark.questions()))
    left_out = []
    pairs = join(benchmark.questions(), read_answers(answers))
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
                kept.append((answer.text, *rule.arguments(question)))
        if kept:
            metric.update(*zip(*kept, strict=True))
    scores = metric.scores()
    return Evaluation(rule.headline(scores), scores, left_out)


def points(benchmark: Benchmark, answers: str | Path) -> dict[int | str, float]:
    """Returns the points of each answer, between 0 and 1, by the question's id.

    Questions whose image could not be decoded are left out. For two models that
    answered the same questions, `uncertainty.paired_bootstrap` compares the points.
    """
    rule = RULES[benchmark.rule]
    metric = rule.metric(())
    pairs = join(_labelled(benchmark.questions()), read_answers(answers))
    return {
        question.id: metric.judge(answer.text, *rule.arguments(question)).points
        / metric.full_points
        for question, answer in pairs
        if not answer.unreadable
    }


def square(image: Image.Image, size: int, background: Sequence[float]) -> Tensor:
    """Pads an image to a square and resizes it, unless it has this size already.

    Args:
        image: RGB.
        size: pixels of a side.
        background: colour of the padding, between 0 and 1; LLaVA takes the mean that
            the encoder subtracts.

    Returns:
        uint8 (3, size, size).
    """
    side = max(image.size)
    if image.size != (side, side):
        canvas = Image.new(
            "RGB", (side, side), tuple(round(255 * value) for value in background)
        )
        canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
        image = canvas
    if side != size:
        image = image.resize((size, size), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def _answered(
    vlm: VLM, batch: Sequence[Question], model: str, max_new_tokens: int
) -> list[Answer]:
    """Answers to a batch, in its order; questions about text get an empty image."""
    size, mean = vlm.vision.config.image_size, vlm.vision.mean.flatten().tolist()
    empty = Image.new("RGB", (size, size), tuple(round(255 * value) for value in mean))
    pixels, problems = [], {}
    for question in batch:
        try:
            pixels.append(square(open_image(question) or empty, size, mean))
        except UnreadableImageError as error:
            problems[question.id] = {"unreadable": str(error)}
    prompts = [question.prompt for question in batch if question.id not in problems]
    texts = iter(
        vlm.ask(torch.stack(pixels), prompts, max_new_tokens) if pixels else []
    )
    return [
        Answer(
            question.id,
            question.prompt,
            "" if question.id in problems else next(texts).strip(),
            model,
            problems.get(question.id, {}),
        )
        for question in batch
    ]


def _labelled(questions: Iterable[Question]) -> Iterator[Question]:
    for question in questions:
        if not question.answers:
            raise ValueError(
                f"{question.where}: question {question.id!r} has no right answer; "
                "write_submission hands answers to a server"
            )
        yield question
