"""Joins questions with what belongs to them, such as annotations or answers, by id."""

from collections.abc import Hashable, Iterable, Iterator
from typing import Protocol, TypeVar


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
    questions: Iterable[_First], others: Iterable[_Second], what: str = "answer"
) -> Iterator[tuple[_First, _Second]]:
    """Yields questions, in their order, each with what belongs to it.

    What comes early waits, so memory grows with how far the orders differ.

    Args:
        questions: with ids that occur once.
        others: one for each question.
        what: the others are called in messages.

    Raises:
        ValueError: an id occurs twice or belongs to no question, or a question has
            none.
    """
    waiting: dict[Hashable, _Second] = {}
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
    questions: Iterable[_First], seen: set[Hashable] | None = None
) -> Iterator[_First]:
    """Yields the same questions and checks their ids, which `seen` collects.

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
