"""Joins questions with what belongs to them, such as annotations or answers, by id."""

from collections.abc import Hashable, Iterable, Iterator
from typing import Protocol, TypeVar

from vlmcore.data.benchmarks.skipped import Skipped, skip


class _Located(Protocol):
    """A question, or what belongs to one, that knows where it was read."""

    @property
    def id(self) -> Hashable:
        """The question's id."""

    @property
    def where(self) -> str:
        """File and line."""


_First = TypeVar("_First", bound=_Located)
_Second = TypeVar("_Second", bound=_Located)


def join(
    questions: Iterable[_First],
    others: Iterable[_Second],
    what: str = "answer",
    skipped: Skipped | None = None,
) -> Iterator[tuple[_First, _Second]]:
    """Yields questions, in their order, each with what belongs to it.

    What comes early waits, so memory grows with how far the orders differ.

    Args:
        questions: with ids that occur once.
        others: one for each question.
        what: the others are called in messages.
        skipped: where to report what has no partner, instead of raising.

    Raises:
        ValueError: an id occurs twice or belongs to no question, or a question has
            none, and there is no `skipped`.
    """
    waiting: dict[Hashable, _Second] = {}
    done: set[Hashable] = set()
    rest = iter(others) if skipped is None else unique(others, skipped=skipped)
    for question in unique(questions, done, skipped):
        while question.id not in waiting:
            other = next(rest, None)
            if other is None:
                break
            if other.id in waiting or (other.id in done and other.id != question.id):
                raise ValueError(
                    f"{other.where}: a second {what} to question {_short(other.id)}"
                )
            waiting[other.id] = other
        if question.id in waiting:
            yield question, waiting.pop(question.id)
        else:
            problem = f"question {_short(question.id)} has no {what}"
            skip(ValueError(f"{question.where}: {problem}"), skipped)
    unknown = f"a{'n' * (what[0] in 'aeiou')} {what} to unknown"
    for other in (*waiting.values(), *rest):
        problem = f"a second {what} to" if other.id in done else unknown
        problem = f"{other.where}: {problem} question {_short(other.id)}"
        skip(ValueError(problem), skipped)


def unique(
    questions: Iterable[_First],
    seen: set[Hashable] | None = None,
    skipped: Skipped | None = None,
) -> Iterator[_First]:
    """Yields the same questions and checks their ids, which `seen` collects.

    Raises:
        ValueError: an id occurs twice or cannot be read, and there is no `skipped` to
            report it.
    """
    seen = set() if seen is None else seen
    for question in questions:
        try:
            if question.id in seen:
                raise ValueError(
                    f"{question.where}: question {_short(question.id)} was there "
                    "before; every question needs an id of its own"
                )
        except ValueError as error:
            skip(error, skipped)
        else:
            seen.add(question.id)
            yield question


def _short(name: Hashable) -> str:
    return repr(name)[:80]
