"""JSON files of any size, one record at a time, each with the place to name when something in it is wrong.

The official files are arrays or objects of up to a million records inside one JSON
value. Read at once they take gigabytes; here memory does not grow with them, as long as
questions and annotations come in the same order, as they do in the official files.
"""

import json
from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TextIO, TypeVar

CHUNK = 1 << 16  # characters


class Record(NamedTuple):
    """One JSON object and where it stands."""

    where: str
    """File and line, or item."""
    key: str
    """Its name, where it is an entry of an object and not an item of an array."""
    fields: dict[str, Any]

    def get(self, name: str, kind: type | tuple[type, ...] = str) -> Any:
        """A field.

        Raises:
            ValueError: it is missing, or of another type.
        """
        if name not in self.fields:
            raise ValueError(
                f"{self.where}: field {name!r} is missing; there are "
                f"{', '.join(sorted(self.fields))}"
            )
        value = self.fields[name]
        if not isinstance(value, kind):
            wanted = " or ".join(
                k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,))
            )
            raise ValueError(
                f"{self.where}: field {name!r} is {json.dumps(value)[:60]}, not of "
                f"type {wanted}"
            )
        return value


class Located(Protocol):
    """Something about a question that knows where it was read."""

    @property
    def id(self) -> Hashable:
        """The question's."""

    @property
    def where(self) -> str:
        """File and line."""


First = TypeVar("First", bound=Located)
Second = TypeVar("Second", bound=Located)


def json_lines(path: str | Path) -> Iterator[Record]:
    """Records of a file with one JSON object a line; empty lines are skipped.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line is no JSON object.
    """
    with _open(path) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            where = f"{path}, line {number}"
            try:
                value = json.loads(line.rstrip("\n"))
            except json.JSONDecodeError as error:
                raise ValueError(
                    f"{where}: this is not JSON ({error.msg} at column "
                    f"{error.colno}); mend or remove the line"
                ) from error
            yield _record(where, "", value)


def json_items(path: str | Path, field: str | None = None) -> Iterator[Record]:
    """Records of an array or object, which is the whole file or one field of it, read as a stream.

    Args:
        path: the file.
        field: such as `questions`; the whole file if None.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no JSON, or holds nothing of the kind.
    """
    with _open(path) as file:
        stream = _Stream(file)
        count = 0
        try:
            if field is not None:
                stream.enter(field)
            is_object = stream.take("[{") == "{"
            while stream.peek() != ("}" if is_object else "]"):
                if count:
                    stream.take(",")
                key = str(stream.value()) if is_object else ""
                if is_object:
                    stream.take(":")
                value = stream.value()
                count += 1
                yield _record(f"{path}, {field or 'item'} {key or count}", key, value)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"{path}: broken JSON after {count} records ({error.msg}); the file "
                "may be incomplete, get it again"
            ) from error
        except LookupError as error:
            raise ValueError(
                f"{path}: there is no field {field!r}; is this the right file?"
            ) from error


def join(
    questions: Iterable[First], others: Iterable[Second], what: str = "answer"
) -> Iterator[tuple[First, Second]]:
    """Questions, in their order, each with what belongs to it. What comes early waits, so memory grows with how far the orders differ.

    Args:
        questions: with ids that occur once.
        others: one for each question.
        what: they are called in messages.

    Raises:
        ValueError: an id occurs twice or belongs to no question, or a question has
            nothing.
    """
    waiting: dict[Hashable, Second] = {}
    done: set[Hashable] = set()
    rest = iter(others)
    for question in unique(questions, done):
        while question.id not in waiting:
            other = next(rest, None)
            if other is None:
                raise ValueError(
                    f"{question.where}: question {question.id!r} has no {what}"
                )
            if other.id in waiting or (other.id in done and other.id != question.id):
                raise ValueError(
                    f"{other.where}: a second {what} to question {other.id!r}"
                )
            waiting[other.id] = other
        yield question, waiting.pop(question.id)
    for other in (*waiting.values(), *rest):
        problem = (
            f"a second {what} to"
            if other.id in done
            else f"a{'n' * (what[0] in 'aeiou')} {what} to unknown"
        )
        raise ValueError(f"{other.where}: {problem} question {other.id!r}")


def unique(
    questions: Iterable[First], seen: set[Hashable] | None = None
) -> Iterator[First]:
    """The same questions, watched; `seen` collects their ids.

    Raises:
        ValueError: an id occurs twice.
    """
    seen = set() if seen is None else seen
    for question in questions:
        if question.id in seen:
            raise ValueError(
                f"{question.where}: question {question.id!r} was there before; every "
                "question needs an id of its own"
            )
        seen.add(question.id)
        yield question


def _record(where: str, key: str, value: Any) -> Record:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: {json.dumps(value)[:60]} is not a JSON object")
    return Record(where, key, value)


def _open(path: str | Path) -> TextIO:
    if not Path(path).exists():
        raise FileNotFoundError(
            f"there is no {path}; `vlmcore sources` says where the files come from"
        )
    return Path(path).open(encoding="utf-8")


class _Stream:
    """Values and marks of a JSON text, of which only a part is in memory."""

    def __init__(self, file: TextIO) -> None:
        self.file, self.text, self.at, self.ended = file, "", 0, False
        self.decoder = json.JSONDecoder()

    def peek(self) -> str:
        """The next mark that is not space, '' at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
                self.at += 1
            if self.at < len(self.text) or self.ended:
                return self.text[self.at : self.at + 1]
            self.more(CHUNK)

    def take(self, marks: str) -> str:
        """The next mark, which must be one of these."""
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
        """The next value."""
        self.peek()
        size = CHUNK
        while True:
            try:
                value, end = self.decoder.raw_decode(self.text, self.at)
                if end < len(self.text) or self.ended:
                    self.at = end
                    return value
            except json.JSONDecodeError:
                if self.ended:
                    raise
            self.more(size)
            size *= (
                2  # so that a long value is not tried again for each small piece of it
            )

    def enter(self, field: str) -> None:
        """Goes to the value of a field of the object that begins here; LookupError where it has none."""
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

    def more(self, size: int) -> None:
        """Reads on, and forgets what has been taken."""
        part = self.file.read(size)
        self.text, self.at, self.ended = self.text[self.at :] + part, 0, not part
