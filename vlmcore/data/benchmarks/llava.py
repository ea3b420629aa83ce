"""LLaVA's files of questions and of answers: one JSON object a line.

Answers are only ever appended, so a run that is killed loses little. Questions have
`question_id`, `image`, `text`, and in some files `category`; answers have
`question_id`, `prompt`, `text`, `answer_id`, `model_id` and `metadata`
(https://github.com/haotian-liu/LLaVA).
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from vlmcore.data.benchmarks.joining import unique
from vlmcore.data.benchmarks.json_stream import json_lines
from vlmcore.data.benchmarks.question import Question
from vlmcore.files import beside, refuse_existing, refuse_other

_OTHER_FILE = "give another file to answer in"
_BEGINNING = b'{"question_id": '


class Answer(NamedTuple):
    """One line of an answer file."""

    id: int | str
    prompt: str
    text: str
    model: str
    metadata: dict[str, Any]
    where: str = ""
    round: int = 0
    """MMBench's rotation, where a file says it beside the question's number."""

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
    """Writes a new file of questions for LLaVA, with images relative to a folder.

    Raises:
        ValueError: there is such a file.
    """
    refuse_existing(Path(path))
    with beside(path) as partial, partial.open("w", encoding="utf-8") as file:
        for question in questions:
            line = {
                "question_id": question.id,
                "text": question.prompt,
                "category": question.kind,
            }
            if isinstance(question.image, Path):
                line["image"] = question.image.relative_to(images).as_posix()
            file.write(json.dumps(line) + "\n")


def read_answers(path: str | Path, *, unfinished: bool = False) -> Iterator[Answer]:
    """Yields the answers of a file, in its order.

    Args:
        path: the file.
        unfinished: whether the last line may be unfinished, and is left out.

    Raises:
        ValueError: a line is malformed, or a field missing; the message says where.
    """
    for record in json_lines(path, unfinished=unfinished):
        metadata = record.optional("metadata", dict, {})
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
            record.optional("round_id", int, 0),
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
    """Drops the unfinished last line of a file whose writer was killed.

    Raises:
        ValueError: the line is not the beginning of an answer.
    """
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
        file.seek(end)
        rest = file.read()
        if rest[: len(_BEGINNING)] != _BEGINNING[: len(rest)]:
            raise ValueError(
                f"{path} ends with {rest[:20]!r}, which is no answer; {_OTHER_FILE}"
            )
        try:
            json.loads(rest)
            file.write(b"\n")  # only this was missing
        except ValueError:
            file.truncate(end)


def unanswered(
    questions: Iterable[Question],
    path: str | Path,
    model: str,
    made_of: Callable[[Question], Mapping[str, Any]],
) -> Iterator[Question]:
    """Yields the questions that a file has no answer to yet.

    The file must answer them in their order, as `append_answers` in a loop does. Only
    when all its answers are found to be right ones is an unfinished line dropped.

    Args:
        questions: all of them.
        path: the file; it may be missing.
        model: name of the model.
        made_of: everything that decides the answer to a question, which the metadata of
            an answer hold.

    Raises:
        ValueError: the file answers other questions, is another model's, or was made
            with other weights, images or options; or an id occurs twice.
    """
    rest = unique(questions)
    if Path(path).exists():
        for answer in read_answers(path, unfinished=True):
            question = next(rest, None)
            expected = question and (question.id, question.prompt)
            if question is None or expected != (answer.id, answer.prompt):
                asked = (
                    f"{question.id!r} is asked there ({question.where})"
                    if question
                    else "nothing more is asked"
                )
                raise ValueError(
                    f"{answer.where}: answers {answer.id!r} ({answer.prompt[:40]!r}), "
                    f"but {asked}; {_OTHER_FILE}"
                )
            if answer.model != model:
                raise ValueError(
                    f"{answer.where}: an answer of {answer.model!r}, not of "
                    f"{model!r}; {_OTHER_FILE}"
                )
            refuse_other(answer.metadata, made_of(question), answer.where, _OTHER_FILE)
        cut_unfinished_line(path)
    yield from rest
