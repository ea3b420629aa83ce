"""LLaVA's files of questions and of answers: one JSON object a line.

Answers are only ever appended, so a run that is killed loses little. Questions have
`question_id`, `image`, `text`, and in some files `category`; answers have
`question_id`, `prompt`, `text`, `answer_id`, `model_id` and `metadata`
(https://github.com/haotian-liu/LLaVA).
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from vlmcore.data.benchmarks.json_stream import json_lines, unique
from vlmcore.data.benchmarks.question import Question


class Answer(NamedTuple):
    """One line of an answer file."""

    id: int | str
    prompt: str
    text: str
    model: str
    metadata: dict[str, Any]
    where: str = ""

    @property
    def unreadable(self) -> str:
        """The reason why the image could not be decoded, '' if it could."""
        return str(self.metadata.get("unreadable", ""))


def read_questions(path: str | Path, images: str | Path) -> Iterator[Question]:
    """Yields the questions of a file, with its prompts; it has no right answers.

    Raises:
        ValueError: a line is malformed, or a field missing; the message says where.
    """
    for record in json_lines(path):
        image = record.get("image") if "image" in record.fields else None
        yield Question(
            record.id,
            record.get("text"),
            Path(images) / image if image else None,
            (),
            str(record.fields.get("category", "all")),
            record.where,
        )


def write_questions(
    path: str | Path, questions: Iterable[Question], images: str | Path
) -> None:
    """Writes a file of questions for LLaVA, with images relative to a folder."""
    with Path(path).open("w", encoding="utf-8") as file:
        for question in questions:
            line = {
                "question_id": question.id,
                "text": question.prompt,
                "category": question.kind,
            }
            if isinstance(question.image, Path):
                line["image"] = question.image.relative_to(images).as_posix()
            file.write(json.dumps(line) + "\n")


def read_answers(path: str | Path) -> Iterator[Answer]:
    """Yields the answers of a file, in its order.

    Raises:
        ValueError: a line is malformed, or a field missing; the message says where.
    """
    for record in json_lines(path):
        metadata = record.get("metadata", dict) if "metadata" in record.fields else {}
        prompt, model = (
            str(record.fields.get(name, "")) for name in ("prompt", "model_id")
        )
        yield Answer(
            record.id,
            prompt,
            record.get("text"),
            model,
            metadata,
            record.where,
        )


def append_answers(path: str | Path, answers: Iterable[Answer]) -> None:
    """Adds answers to a file in one write, and returns when they are on the disk."""
    lines = [
        json.dumps(
            {
                "question_id": answer.id,
                "prompt": answer.prompt,
                "text": answer.text,
                "answer_id": uuid5(NAMESPACE_URL, f"{answer.model}/{answer.id}").hex,
                "model_id": answer.model,
                "metadata": answer.metadata,
            }
        )
        for answer in answers
    ]
    with Path(path).open("ab") as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
        file.flush()
        os.fsync(file.fileno())


def cut_unfinished_line(path: str | Path) -> None:
    """Drops the unfinished last line of a file whose writer was killed."""
    if not Path(path).exists():
        return
    with Path(path).open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - (1 << 16))
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                end = start + found + 1
                break
            end = start
        file.truncate(end)


def unanswered(
    questions: Iterable[Question], path: str | Path, model: str
) -> Iterator[Question]:
    """Yields the questions that a file has no answer to yet.

    The file must answer them in their order, as `append_answers` in a loop does.

    Raises:
        ValueError: the file answers other questions or is another model's; or an id
            occurs twice.
    """
    rest = unique(questions)
    if Path(path).exists():
        for answer in read_answers(path):
            question = next(rest, None)
            expected = question and (question.id, question.prompt)
            if expected != (answer.id, answer.prompt):
                asked = (
                    f"{question.id!r} is asked there ({question.where})"
                    if question
                    else "nothing more is asked"
                )
                raise ValueError(
                    f"{answer.where}: answers {answer.id!r} ({answer.prompt[:40]!r}), "
                    f"but {asked}; give another file to answer in"
                )
            if answer.model != model:
                raise ValueError(
                    f"{answer.where}: an answer of {answer.model!r}, not of "
                    f"{model!r}; give another file to answer in"
                )
    yield from rest
