"""The official files of two multiple-choice benchmarks: MMBench and ScienceQA."""

import json
from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path
from typing import Any

import pandas as pd

from vlmcore.data.benchmarks.json_stream import json_items
from vlmcore.data.benchmarks.question import OPTION_LETTERS, Question, choice_prompt

ROTATION = 1_000_000
"""MMBench adds it to a question's number for each rotation of its options."""


def mmbench(file: str | Path) -> Iterator[Question]:
    """Reads MMBench (arXiv 2307.06281), by category; images are in base64.

    Rotations that the file has are asked as they stand; where it has none, they are
    made. The test file has no answers.

    Args:
        file: such as `mmbench_dev_20230712.tsv`.

    Raises:
        ValueError: something is missing or wrong; the message says where.
    """
    rotated = _has_rotations(file)
    for where, row in _rows(file):
        texts, right = _options(row), row.get("answer", "")
        letters = OPTION_LETTERS[: len(texts)]
        if len(texts) < 2 or (right and right not in list(letters)):
            raise ValueError(
                f"{where}: field 'answer' is {right!r} where there are {len(texts)} "
                "options; it must be one of at least two"
            )
        rotation, group = divmod(int(row["index"]), ROTATION)
        for shift in [0] if rotated else range(len(texts)):
            options = texts[shift:] + texts[:shift]
            yield Question(
                int(row["index"]) + shift * ROTATION,
                choice_prompt(row["question"], options, row.get("hint", "")),
                row["image"],
                (letters[letters.index(right) - shift],) if right else (),
                row.get("category") or "all",
                where,
                options,
                group,
                rotation if rotated else shift,
                row["question"],
            )


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
    wanted = None
    if splits:
        wanted = set(json.loads(Path(splits).read_text(encoding="utf-8"))[split])
    for record in json_items(problems):
        image = record.get("image", (str, type(None)))
        left_out = images_only and not image
        if left_out or (wanted is not None and record.key not in wanted):
            continue
        options, right = tuple(record.get("choices", list)), record.get("answer", int)
        if not 0 <= right < len(options) <= len(OPTION_LETTERS):
            raise ValueError(
                f"{record.where}: field 'answer' is {right} where there are "
                f"{len(options)} choices, of at most {len(OPTION_LETTERS)}"
            )
        hint = str(record.fields.get("hint") or "")
        context = f"Context: {hint}" if hint else ""
        yield Question(
            record.key,
            choice_prompt(record.get("question"), options, context),
            Path(images) / record.key / image if image else None,
            (OPTION_LETTERS[right],),
            "image" if image else "text",
            record.where,
            options,
        )


def _rows(
    file: str | Path, columns: list[str] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    if not Path(file).exists():
        raise FileNotFoundError(
            f"there is no {file}; `vlmcore sources` says where the files come from"
        )
    header = pd.read_table(file, nrows=0).columns
    if missing := {"index", "question", "image", "A", "B"} - set(header):
        raise ValueError(
            f"{file}: columns {sorted(missing)} are missing; there are "
            f"{', '.join(header)}"
        )
    number = 0
    parts = pd.read_table(
        file, dtype=str, keep_default_na=False, chunksize=64, usecols=columns
    )
    for part in parts:
        for row in part.to_dict("records"):
            number += 1
            if not row["index"].isdecimal():
                raise ValueError(
                    f"{file}, row {number}: field 'index' is {row['index']!r}; it "
                    "must be a number"
                )
            fields = {
                str(name): "" if value.lower() in ("nan", "none") else value
                for name, value in row.items()
            }
            yield f"{file}, row {number}", fields


def _has_rotations(file: str | Path) -> bool:
    first = (int(row["index"]) < ROTATION for _, row in _rows(file, ["index"]))
    return next(dropwhile(bool, first), True) is False


def _options(row: dict[str, Any]) -> tuple[str, ...]:
    """Returns the options up to the first that is empty."""
    texts: list[str] = []
    for letter in OPTION_LETTERS[:4]:
        if not row.get(letter):
            break
        texts.append(row[letter])
    return tuple(texts)
