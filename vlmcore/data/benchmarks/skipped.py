"""Records that cannot be read: what a reader does about them.

By default a reader reads on and raises behind the last record, with the number of those
that it could not read and the first of them. Given a `Skipped`, it leaves them out and
reports them there. It still raises where nothing is left: the file is no JSON or table,
or none of its records can be read.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from vlmcore.data.benchmarks.question import Question

_SHOWN, _KEPT, _LONGEST = 3, 20, 300
_In = TypeVar("_In")
_Out = TypeVar("_Out")


@dataclass
class Skipped:
    """The records that a reader left out, in one pass over its files."""

    count: int = 0
    first: list[str] = field(default_factory=list)
    """Reasons for the first twenty: file, line or item, and field."""

    def add(self, reason: object) -> None:
        """Counts a record, and keeps the reason if it is among the first."""
        self.count += 1
        self.first += [str(reason)[:_LONGEST]] if self.count <= _KEPT else []

    def __str__(self) -> str:
        more = f"; and {self.count - _SHOWN} more" if self.count > _SHOWN else ""
        return f"{'; '.join(self.first[:_SHOWN])}{more}"


def skip(error: ValueError, skipped: Skipped | None) -> None:
    """Reports a record that is left out; without a place to report it, raises."""
    if skipped is None:
        raise error
    skipped.add(error)


def each(
    read: Callable[[_In], _Out],
    records: Iterable[_In],
    skipped: Skipped | None = None,
) -> Iterator[_Out]:
    """Yields what a function reads from each record, or reads on where it cannot.

    Args:
        read: raises ValueError for a record that it cannot read.
        records: of one kind.
        skipped: where to report those that cannot be read.

    Raises:
        ValueError: behind the last record, if none could be read, or if some could not
            and there is no `skipped`. It counts them and says where the first ones are
            and why.
    """
    count, failed = 0, Skipped()
    for record in records:
        count += 1
        try:
            value = read(record)
        except ValueError as error:
            failed.add(error)
            if skipped is not None:
                skipped.add(error)
        else:
            yield value
    if failed.count and (skipped is None or failed.count == count):
        raise ValueError(
            f"{failed.count} of {count} records cannot be read: {failed}; mend or "
            "remove them"
        )


class Usable:
    """The questions of files without the records that cannot be used.

    Beside what `read` cannot read, that is a question whose id was there before, one
    without a right answer where others have one, and one that is scored together with
    a question that cannot be used.

    Args:
        read: reads the questions from the start, and reports what it skips.
        together: the number of questions that are scored together with one, itself
            included; None if each counts alone.
        where: the files are, for messages.

    Raises:
        ValueError: while questions are read, if none can be used.
    """

    def __init__(
        self,
        read: Callable[[Skipped], Iterable[Question]],
        together: Callable[[Question], int] | None = None,
        where: str = "these files",
    ) -> None:
        self._read, self._together, self._where = read, together, where

    def __call__(self) -> Iterator[Question]:
        """Reads the questions from the start."""
        return self._questions(Skipped())

    def skipped(self) -> Skipped:
        """Reads the files once and returns what is left out of them."""
        skipped = Skipped()
        for _ in self._questions(skipped):
            pass
        return skipped

    def _questions(self, skipped: Skipped) -> Iterator[Question]:
        some = False
        for question in self._distinct(skipped):
            if reason := self._reason(question):
                skipped.add(f"{question.where}: {reason}")
            else:
                some = True
                yield question
        if not some:
            found = (
                f"none of {skipped.count} records can be used: {skipped}"
                if skipped.count
                else f"there is no question to be asked in {self._where}"
            )
            raise ValueError(f"{found}; is this the right file?")

    def _distinct(self, skipped: Skipped) -> Iterator[Question]:
        seen = set[Hashable]()
        for question in self._read(skipped):
            if question.id in seen:
                reason = f"id {str(question.id)[:60]!r} was there before"
                skipped.add(f"{question.where}: {reason}")
            else:
                seen.add(question.id)
                yield question

    def _reason(self, question: Question) -> str:
        """Why a question cannot be scored, '' if it can."""
        if self._labelled and not question.answers:
            return "field 'answer' or 'answers' is missing, which other records have"
        if self._together:
            wanted = self._groups[question.group]
            if set(wanted) != {len(wanted)}:
                needs = " or ".join(map(str, sorted(set(wanted))))
                return (
                    f"{str(question.group)[:60]} has {len(wanted)} questions that can "
                    f"be used and needs {needs}, as they are scored together"
                )
        return ""

    @cached_property
    def _labelled(self) -> bool:
        """Whether right answers are public."""
        return any(question.answers for question in self._read(Skipped()))

    @cached_property
    def _groups(self) -> dict[Hashable, list[int]]:
        """For each usable question of a group, the number that it needs of them."""
        groups = defaultdict[Hashable, list[int]](list)
        for question in self._distinct(Skipped()):
            if self._together and (question.answers or not self._labelled):
                groups[question.group].append(self._together(question))
        return groups
