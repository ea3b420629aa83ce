"""Ask a model a benchmark, keep its answers in a file, score the file: three steps of which each can be done alone.

A `Benchmark` is a way to read its questions, again and again and one at a time, and the
rule that scores the answers. Answers are appended batch by batch; who is killed and
starts again goes on behind the last whole line. Scoring reads the file of answers and
nothing else of the model, so it scores the answers of other code too, in any order.
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
from torchmetrics import Metric

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

CHUNK = 4096  # answers scored at a time


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
    """What a file of answers is worth."""

    headline: Score
    """The number that goes into a table such as Table 1."""
    scores: dict[str, Any]
    """All that the metric says."""
    unreadable: list[str]
    """Questions left out because an image could not be decoded, with the reason:
    neither right nor wrong."""


def evaluate(
    vlm: VLM, benchmark: Benchmark, answers: str | Path, **options: Any
) -> Evaluation:
    """Asks a model what it has not answered yet, and scores all its answers.

    Args:
        vlm: the model.
        benchmark: what to ask.
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
    """Appends a model's answers to a file until every question has one; at most a batch is asked twice when the process is killed.

    Args:
        vlm: the model.
        benchmark: what to ask.
        answers: the file; what it has is kept.
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
    rule = RULES[benchmark.rule]
    # where several answers count together, one that cannot be given takes the others
    # with it
    broken = (
        {q.group for q in benchmark.questions() if q.id in unreadable} - {None}
        if unreadable
        else set()
    )
    metric = rule.metric(_labelled(benchmark.questions()))
    left_out = []
    pairs = join(benchmark.questions(), read_answers(answers))
    while part := list(islice(pairs, CHUNK)):
        kept = []
        for question, answer in part:
            if answer.unreadable or question.group in broken:
                left_out.append(
                    f"{question.id}: "
                    f"{answer.unreadable or 'another image that it is scored with cannot be decoded'}"
                )
            else:
                kept.append((question, answer.text))
        if kept:
            _feed(metric, rule.feed, kept)
    scores = metric.compute()
    return Evaluation(rule.headline(scores), scores, left_out)


def points(benchmark: Benchmark, answers: str | Path) -> dict[int | str, float]:
    """What each answer is worth by itself, between 0 and 1, by the question's id; without those whose image could not be decoded.

    For two models that were asked the same questions, `uncertainty.paired_bootstrap`
    compares them.
    """
    worth = RULES[benchmark.rule].points
    pairs = join(_labelled(benchmark.questions()), read_answers(answers))
    return {
        question.id: worth(answer.text, question)
        for question, answer in pairs
        if not answer.unreadable
    }


def square(image: Image.Image, size: int, background: Sequence[float]) -> Tensor:
    """An image padded to a square and resized, uint8 (3, size, size); one that has this size already is not touched.

    Args:
        image: RGB.
        size: pixels of a side.
        background: colour of the padding, between 0 and 1; LLaVA takes the mean that
            the encoder subtracts.
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
    """Answers to a batch, in its order; a question about text is asked beside an empty canvas."""
    size, mean = vlm.vision.config.image_size, vlm.vision.mean.flatten().tolist()
    pixels, problems = [], {}
    for question in batch:
        try:
            image = open_image(question) or Image.new(
                "RGB", (size, size), tuple(round(255 * value) for value in mean)
            )
            pixels.append(square(image, size, mean))
        except UnreadableImageError as error:
            problems[question.id] = str(error)
    asked = [question.prompt for question in batch if question.id not in problems]
    said = iter(vlm.ask(torch.stack(pixels), asked, max_new_tokens) if asked else [])
    return [
        Answer(
            question.id,
            question.prompt,
            "",
            model,
            {"unreadable": problems[question.id]},
        )
        if question.id in problems
        else Answer(question.id, question.prompt, next(said).strip(), model, {})
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


def _feed(
    metric: Metric, feed: Callable[..., None], kept: Sequence[tuple[Question, str]]
) -> None:
    questions, said = zip(*kept, strict=True)
    feed(metric, said, questions)
