"""The official files of two multiple-choice benchmarks: MMBench and ScienceQA."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from vlmcore.data.benchmarks.json_stream import Record, json_items
from vlmcore.data.benchmarks.question import (
    OPTION_LETTERS,
    Question,
    choice_prompt,
    lettered,
)
from vlmcore.data.benchmarks.text_files import each, open_text

ROTATION = 1_000_000
"""MMBench adds it to a question's number for each rotation of its options."""

_DIGITS = 18
"""An index has fewer digits, and an image in base64 more letters."""
_ROWS = 64


def mmbench(file: str | Path) -> Iterator[Question]:
    """Reads MMBench (arXiv 2307.06281), by category; images are in base64.

    Rotations that the file has are asked as they stand; where it has none, they are
    made. An image may be the index of the row that has it; only such images are kept in
    memory. An empty cell is no option, and the options behind it keep their letters.
    The test file has no answers.

    Args:
        file: such as `mmbench_dev_20230712.tsv`.

    Raises:
        ValueError: something is missing or wrong; the message says where.
    """
    rotated, images = _has_rotations(file), _shared_images(file)
    for questions in each(partial(_rotations, images, rotated), _rows(file)):
        yield from questions


def _rotations(
    images: Mapping[str, str], rotated: bool, located: tuple[str, dict[str, Any]]
) -> list[Question]:
    """The question of a row, or one for each rotation of its options."""
    where, row = located
    by_letter = lettered([_cell(row.get(letter)) for letter in OPTION_LETTERS[:4]])
    letters, texts, right = list(by_letter), list(by_letter.values()), row["answer"]
    if len(texts) < 2 or (right and right not in letters):
        raise ValueError(
            f"{where}: field 'answer' is {right!r} where there are {len(texts)} "
            f"options, {', '.join(letters)}; it must be one of at least two"
        )
    number = _number(where, row["index"])
    rotation, group = divmod(number, ROTATION)
    image = _image(where, row["image"], images)
    questions = []
    for shift in [0] if rotated else range(len(texts)):
        turned = dict(zip(letters, texts[shift:] + texts[:shift], strict=True))
        options = tuple(
            turned.get(letter, "") for letter in OPTION_LETTERS if letter <= letters[-1]
        )
        answer = letters[letters.index(right) - shift] if right else ""
        questions.append(
            Question(
                number + shift * ROTATION,
                choice_prompt(row["question"], options, _cell(row.get("hint"))),
                image,
                (answer,) if answer else (),
                _cell(row.get("category")) or "all",
                where,
                options,
                group,
                rotation if rotated else shift,
                row["question"],
            )
        )
    return questions


def _cell(text: str | None) -> str:
    """The text of a cell, '' if it is empty; "None" is a text as any other."""
    return "" if text is None or text.strip() in ("", "nan") else text


def _number(where: str, index: str) -> int:
    if not index.isdecimal() or len(index) > _DIGITS:
        raise ValueError(
            f"{where}: field 'index' is {index[:60]!r}; it must be a number"
        )
    return int(index)


def _image(where: str, image: str, images: Mapping[str, str]) -> str:
    """The image of a row in base64, which may stand in another row."""
    seen = {""}
    while image.isdecimal() and len(image) <= _DIGITS:
        if image in seen or image not in images:
            raise ValueError(
                f"{where}: field 'image' is {image}, which is no row with an image"
            )
        seen.add(image)
        image = images[image]
    if not image:
        raise ValueError(f"{where}: field 'image' is empty")
    return image


def _shared_images(file: str | Path) -> dict[str, str]:
    """The images that other rows name by their index."""
    columns = ["index", "image"]
    named = {
        row["image"] for _, row in _rows(file, columns) if len(row["image"]) <= _DIGITS
    }
    named.discard("")
    return {
        row["index"]: row["image"]
        for _, row in (_rows(file, columns) if named else ())
        if row["index"] in named
    }


def scienceqa(
    problems: str | Path,
    images: str | Path,
    splits: str | Path | None = None,
    split: str = "test",
    images_only: bool = False,
) -> Iterator[Question]:
    """Reads ScienceQA (arXiv 2209.09513); kinds are `image`, as in Table 1, and `text`.

    Args:
        problems: `problems.json`.
        images: folder with one folder a problem.
        splits: `pid_splits.json`; every problem is asked without it.
        split: which of them.
        images_only: leave out the problems without an image.

    Raises:
        ValueError: something is missing or wrong; the message says where.
    """
    wanted = _of_split(splits, split) if splits else None
    read = partial(_scienceqa_question, Path(images))
    for question in each(read, _problems(problems)):
        left_out = images_only and question.image is None
        if not left_out and (wanted is None or question.id in wanted):
            yield question


def _problems(file: str | Path) -> Iterator[Record]:
    for record in json_items(file):
        yield record if record.key else record._replace(key=str(record.id))


def _of_split(splits: str | Path, split: str) -> set[str]:
    try:
        with open_text(splits) as file:
            return {str(name) for name in json.load(file)[split]}
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        raise ValueError(
            f"{splits}: this is not JSON with a list {split!r}; is this the right file?"
        ) from error


def _scienceqa_question(images: Path, record: Record) -> Question:
    image = record.optional("image", str, "")
    options, right = tuple(record.get("choices", list)), record.get("answer", int)
    if not 0 <= right < len(options) <= len(OPTION_LETTERS):
        raise ValueError(
            f"{record.where}: field 'answer' is {right} where there are "
            f"{len(options)} choices, of at most {len(OPTION_LETTERS)}"
        )
    if not all(isinstance(text, str) and text for text in options):
        raise ValueError(f"{record.where}: field 'choices' must be texts")
    hint = str(record.fields.get("hint") or "")
    context = f"Context: {hint}" if hint else ""
    return Question(
        record.key,
        choice_prompt(record.get("question"), options, context),
        images / record.key / image if image else None,
        (OPTION_LETTERS[right],),
        "image" if image else "text",
        record.where,
        options,
    )


def _rows(
    file: str | Path, columns: list[str] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the rows of a table as texts with their places; no column is missing."""
    needed = {"index", "question", "image", "A", "B"}
    with open_text(file) as table:
        try:
            parts = pd.read_table(
                table, dtype=str, keep_default_na=False, chunksize=_ROWS
            )
            number = 0
            for part in parts:
                if missing := needed - set(part.columns):
                    raise ValueError(
                        f"{file}: columns {sorted(missing)} are missing; there are "
                        f"{', '.join(part.columns)[:200]}"
                    )
                for row in part[columns or list(part.columns)].to_dict("records"):
                    number += 1
                    fields = {str(k): str(v) for k, v in row.items()}
                    yield f"{file}, row {number}", {"answer": ""} | fields
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise ValueError(
                f"{file}: this is no whole table with tabs ({str(error)[:100]}); get "
                "it again"
            ) from error


def _has_rotations(file: str | Path) -> bool:
    return any(
        len(row["index"]) <= _DIGITS
        and row["index"].isdecimal()
        and int(row["index"]) >= ROTATION
        for _, row in _rows(file, ["index"])
    )
