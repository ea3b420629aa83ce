"""The official files of two multiple-choice benchmarks: MMBench and ScienceQA."""

import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

import pandas as pd

from vlmcore.data.benchmarks.json_stream import Record, json_items
from vlmcore.data.benchmarks.question import (
    OPTION_LETTERS,
    Question,
    choice_prompt,
    lettered,
)
from vlmcore.data.benchmarks.skipped import Skipped, each
from vlmcore.data.benchmarks.text_files import open_text

ROTATION = 1_000_000
"""MMBench adds it to a question's number for each rotation of its options."""

_DIGITS = 18
"""An index has fewer digits, and an image in base64 more letters."""
_ROWS = 64


def mmbench(file: str | Path, skipped: Skipped | None = None) -> Iterator[Question]:
    """Reads MMBench (arXiv 2307.06281), by category; images are in base64.

    Rotations that the file has are asked as they stand; where it has none, they are
    made. An image may be the index of the row that has it; only such images are kept in
    memory. An empty cell is no option, and the options behind it keep their letters.
    The test file has no answers.

    Args:
        file: such as `mmbench_dev_20230712.tsv`.
        skipped: where to report what cannot be read, instead of raising.

    Raises:
        ValueError: something is missing or wrong; the message says where.
    """
    rotated, images = _overview(file)
    read = partial(_rotations, images, rotated)
    for questions in each(read, _rows(file), skipped):
        yield from questions


def _rotations(
    images: Mapping[str, str], rotated: bool, located: tuple[str, dict[str, str]]
) -> list[Question]:
    """The question of a row, or one for each rotation of its options."""
    where, row = located
    if not row:
        raise ValueError(f"{where}: there are more cells than columns; mend the row")
    by_letter, right = _options(where, row)
    number = _number(where, row["index"])
    rotation, group = divmod(number, ROTATION)
    if rotation >= len(by_letter):
        raise ValueError(
            f"{where}: field 'index' is {number}, rotation {rotation} of a question "
            f"with {len(by_letter)} options"
        )
    asked = Question(
        number,
        "",
        _image(where, row["image"], images),
        (right,) if right else (),
        _cell(row.get("category")) or "all",
        where,
        group=group,
        rotation=rotation,
        question=row["question"],
    )
    hint, shifts = _cell(row.get("hint")), [0] if rotated else range(len(by_letter))
    return [_turned(asked, by_letter, hint, shift) for shift in shifts]


def _options(where: str, row: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """The options of a row by their letters, and the right letter, '' if unknown."""
    by_letter = lettered([_cell(row.get(letter)) for letter in OPTION_LETTERS[:4]])
    right = row.get("answer", "")
    if len(by_letter) < 2 or (right and right not in by_letter):
        raise ValueError(
            f"{where}: field 'answer' is {right!r} where there are {len(by_letter)} "
            f"options, {', '.join(by_letter)}; it must be one of at least two"
        )
    return by_letter, right


def _turned(
    asked: Question, by_letter: Mapping[str, str], hint: str, shift: int
) -> Question:
    """A question with options, each of which has moved up by some letters."""
    letters, texts = list(by_letter), list(by_letter.values())
    turned = dict(zip(letters, texts[shift:] + texts[:shift], strict=True))
    options = tuple(
        turned.get(letter, "") for letter in OPTION_LETTERS if letter <= letters[-1]
    )
    return asked._replace(
        id=int(asked.id) + shift * ROTATION,
        prompt=choice_prompt(asked.question, options, hint),
        answers=tuple(letters[letters.index(x) - shift] for x in asked.answers),
        options=options,
        rotation=asked.rotation + shift,
    )


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


def _overview(file: str | Path) -> tuple[bool, dict[str, str]]:
    """Whether a file has rotations, and the images that other rows name by index."""
    columns, rotated, named = ["index", "image"], False, set[str]()
    for _, row in _rows(file, columns):
        index, image = row.get("index", ""), row.get("image", "")
        if len(index) <= _DIGITS and index.isdecimal():
            rotated |= int(index) >= ROTATION
        if image and len(image) <= _DIGITS:
            named.add(image)
    return rotated, {
        row["index"]: row["image"]
        for _, row in (_rows(file, columns) if named else ())
        if row and row["index"] in named
    }


def scienceqa(
    problems: str | Path,
    images: str | Path,
    splits: str | Path | None = None,
    split: str = "test",
    images_only: bool = False,
    skipped: Skipped | None = None,
) -> Iterator[Question]:
    """Reads ScienceQA (arXiv 2209.09513); kinds are `image`, as in Table 1, and `text`.

    Args:
        problems: `problems.json`.
        images: folder with one folder a problem.
        splits: `pid_splits.json`; every problem is asked without it.
        split: which of them.
        images_only: leave out the problems without an image.
        skipped: where to report what cannot be read, instead of raising.

    Raises:
        ValueError: something is missing or wrong; the message says where.
    """
    wanted = _of_split(splits, split) if splits else None
    read = partial(_scienceqa_question, Path(images))
    # a problem of another split is not even read
    records = (
        record
        for record in json_items(problems, broken=True)
        if wanted is None or not record.key or record.key in wanted
    )
    for question in each(read, records, skipped):
        left_out = images_only and question.image is None
        if not left_out and (wanted is None or question.id in wanted):
            yield question


def _of_split(splits: str | Path, split: str) -> set[str]:
    try:
        with open_text(splits) as file:
            return {str(name) for name in json.load(file)[split]}
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        raise ValueError(
            f"{splits}: this is not JSON with a list {split!r}; is this the right file?"
        ) from error


def _scienceqa_question(images: Path, record: Record) -> Question:
    image, name = record.optional("image", str, ""), record.key or str(record.id)
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
        name,
        choice_prompt(record.get("question"), options, context),
        images / name / image if image else None,
        (OPTION_LETTERS[right],),
        "image" if image else "text",
        record.where,
        options,
    )


def _rows(
    file: str | Path, columns: Sequence[str] = ()
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yields the rows of a table as texts with their places; no column is missing.

    A row with more cells than there are columns is empty.
    """
    needed, names = {"index", "question", "image", "A", "B"}, list[str]()
    with open_text(file) as table:
        try:
            for number, cells in _numbered(table):
                if names:
                    row = dict(zip(names, cells, strict=True)) if cells else {}
                    kept = {x: row[x] for x in columns or row if x in row}
                    yield f"{file}, row {number}", kept
                elif missing := needed - set(cells):
                    raise ValueError(
                        f"{file}: columns {sorted(missing)} are missing; there are "
                        f"{', '.join(cells)[:200]}"
                    )
                names = names or cells
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise ValueError(
                f"{file}: this is no whole table with tabs ({str(error)[:100]}); get "
                "it again"
            ) from error


def _numbered(table: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Yields the lines of a table that are not blank; one that is too long is empty."""
    parts = pd.read_table(
        table,
        dtype=str,
        keep_default_na=False,
        chunksize=_ROWS,
        header=None,  # else a first row that is too long would shift the columns
        skip_blank_lines=False,  # they count
        on_bad_lines="warn",
    )
    number, part = 0, pd.DataFrame()
    while part is not None:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            part = next(parts, None)
        lines = re.findall(r"line (\d+):", " ".join(str(one.message) for one in said))
        too_long = sorted(int(line) - 1 for line in lines)
        for cells in () if part is None else part.to_numpy().tolist():
            while too_long and too_long[0] == number:
                yield too_long.pop(0), []
                number += 1
            if any(cells):
                yield number, cells
            number += 1
        for number in too_long:
            yield number, []
        number += len(too_long) > 0
