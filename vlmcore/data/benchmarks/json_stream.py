"""Reads JSON files of any size, one record at a time.

The official files are arrays or objects of up to a million records inside one JSON
value. Read at once, they take gigabytes. Here memory does not grow with the file, as
long as questions and annotations come in the same order, as they do in the official
files. Every record knows its file and line, so that an error can name them.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from vlmcore.data.benchmarks.text_files import open_text

_CHUNK = 1 << 16  # characters
_HALF = re.compile("[\ud800-\udfff]")
"""One of two code points that make a character in UTF-16 only together; no tokenizer
and no file takes it alone."""
_LONGEST_LINE = 1 << 18
"""Characters of a line; a longer one is no record of a file with one a line."""


class Record(NamedTuple):
    """One JSON object and where it was read."""

    where: str
    """File and line, or file and item."""
    key: str
    """Its name, if it is an entry of an object and not an item of an array."""
    fields: dict[str, Any]
    problem: str = ""
    """The reason why there are no fields; asking for one raises it."""

    def get(self, name: str, kind: type | tuple[type, ...] = str) -> Any:
        """Returns a field.

        Raises:
            ValueError: it is missing, or of another type.
        """
        if self.problem:
            raise ValueError(self.problem)
        if name not in self.fields:
            raise ValueError(
                f"{self.where}: field {name!r} is missing; there are "
                f"{', '.join(sorted(self.fields))[:200]}"
            )
        value = self.fields[name]
        if not isinstance(value, kind):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            wanted = " or ".join(k.__name__ for k in kinds)
            raise ValueError(
                f"{self.where}: field {name!r} is {json.dumps(value)[:60]}, not of "
                f"type {wanted}"
            )
        if isinstance(value, str) and _HALF.search(value):
            raise ValueError(
                f"{self.where}: field {name!r} holds half a character, "
                f"{json.dumps(value)[:60]}"
            )
        return value

    def optional(self, name: str, kind: type | tuple[type, ...], missing: Any) -> Any:
        """Returns a field, or a value if it is missing or null.

        Raises:
            ValueError: it is of another type.
        """
        if not self.problem and self.fields.get(name) is None:
            return missing
        return self.get(name, kind)

    @property
    def id(self) -> int | str:
        """The field `question_id`."""
        return self.get("question_id", (int, str))


def json_lines(
    path: str | Path, *, unfinished: bool = False, broken: bool = False
) -> Iterator[Record]:
    """Yields the records of a file with one JSON object a line, without empty lines.

    A file that is one array is read as such.

    Args:
        path: the file.
        unfinished: whether the last line may be the beginning of one, and is left out.
        broken: whether to yield a line that is no JSON object as a record with a
            `problem`, for a reader that counts them.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line is not a JSON object.
    """
    if _begins(path) == "[":
        yield from json_items(path, broken=broken)
        return
    with open_text(path) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            where = f"{path}, line {number}"
            try:
                value = json.loads(line.rstrip("\n"))
            except (ValueError, RecursionError) as error:
                if unfinished and not line.endswith("\n"):
                    return
                problem = (
                    f"this is not JSON ({_reason(error)}); mend or remove the line"
                )
                yield _kept(Record(where, "", {}, f"{where}: {problem}"), broken)
            else:
                yield _kept(_record(where, "", value), broken)


def json_items(
    path: str | Path, field: str | None = None, *, broken: bool = False
) -> Iterator[Record]:
    """Yields the records of an array or object: the whole file, or one field of it.

    Where the file has one JSON object a line instead, or is the array itself, its
    records are read.

    Args:
        path: the file.
        field: such as `questions`; the whole file if None.
        broken: as for `json_lines`. Where the JSON itself is broken, what follows
            cannot be told apart.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not JSON, or has no such array or object.
    """
    if _is_lines(path, field):
        yield from json_lines(path, broken=broken)
        return
    if _begins(path) == "[":
        field = None
    with open_text(path) as file:
        count = 0
        try:
            for key, value in _Stream(file).items(field):
                count += 1
                where = f"{path}, {field or 'item'} {key or count}"
                yield _kept(_record(where, key, value), broken)
        except LookupError as error:
            raise ValueError(
                f"{path}: there is no field {field!r}; is this the right file?"
            ) from error
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(
                f"{path}: broken JSON after {count} records ({_reason(error)}); the "
                "file may be incomplete, get it again"
            ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return str(error)[:100]


def _begins(path: str | Path) -> str:
    """The first character of a file that is not space, '' if there is none."""
    with open_text(path) as file:
        return _Stream(file).peek()


def _is_lines(path: str | Path, field: str | None) -> bool:
    """Whether a file has one JSON object a line, and is not an object of records."""
    with open_text(path) as file:
        line = file.readline(_LONGEST_LINE)
        try:
            first = json.loads(line)
        except (ValueError, RecursionError):
            return False
        if not isinstance(first, dict) or not first or field in first:
            return False
        several = _Stream(file).peek() == "{"
        return several or not any(isinstance(x, dict | list) for x in first.values())


def _record(where: str, key: str, value: Any) -> Record:
    if not isinstance(value, dict):
        problem = f"{where}: {json.dumps(value)[:60]} is not a JSON object"
        return Record(where, key, {}, problem)
    return Record(where, key, value)


def _kept(record: Record, broken: bool) -> Record:
    """The record; raises its problem unless broken ones are wanted."""
    if record.problem and not broken:
        raise ValueError(record.problem)
    return record


class _Stream:
    """The values and marks of a JSON text, of which only a part is in memory."""

    def __init__(self, file: TextIO) -> None:
        self.file, self.text, self.at, self.ended = file, "", 0, False
        self.decoder = json.JSONDecoder()

    def peek(self) -> str:
        """Returns the next character that is not space, '' at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
                self.at += 1
            if self.at < len(self.text) or self.ended:
                return self.text[self.at : self.at + 1]
            self.more(_CHUNK)

    def take(self, marks: str) -> str:
        """Returns the next mark, which must be one of these, and moves past it."""
        mark = self.peek()
        if not mark or mark not in marks:
            raise json.JSONDecodeError(
                f"{' or '.join(marks)} expected, {mark or 'the end'} found",
                self.text,
                self.at,
            )
        self.at += 1
        return mark

    def value(self) -> Any:
        """Returns the next value and moves past it."""
        self.peek()
        size = _CHUNK
        while True:
            try:
                value, end = self.decoder.raw_decode(self.text, self.at)
                if end < len(self.text) or self.ended:
                    self.at = end
                    return value
            except json.JSONDecodeError:
                if self.ended:
                    raise
            except ValueError as error:  # a whole number of too many digits
                raise json.JSONDecodeError(str(error), self.text, self.at) from error
            self.more(size)
            size *= 2  # a long value is not tried again for each small piece of it

    def enter(self, field: str) -> None:
        """Moves to the value of a field of the object that begins here.

        Raises:
            LookupError: the object has no such field.
        """
        self.take("{")
        while self.peek() != "}":
            name = self.value()
            self.take(":")
            if name == field:
                return
            self.value()
            if self.peek() != "}":
                self.take(",")
        raise LookupError(field)

    def items(self, field: str | None) -> Iterator[tuple[str, Any]]:
        """Yields names and values of the array or object here, or of a field of it.

        Those of an array have no name.

        Raises:
            LookupError: the object has no such field.
        """
        if field is not None:
            self.enter(field)
        mark = self.take("[{")
        end = {"[": "]", "{": "}"}[mark]
        while self.peek() != end:
            name = str(self.value()) if mark == "{" else ""
            if mark == "{":
                self.take(":")
            yield name, self.value()
            if self.peek() != end:
                self.take(",")

    def more(self, size: int) -> None:
        """Reads more of the file and drops what has been taken."""
        part = self.file.read(size)
        self.text, self.at, self.ended = self.text[self.at :] + part, 0, not part
