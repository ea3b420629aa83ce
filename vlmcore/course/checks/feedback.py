"""What a check answers, and the one thing that it cannot judge."""

from typing import NamedTuple


class Feedback(NamedTuple):
    """The verdict on one answer; a notebook shows it as a sentence."""

    question: str
    right: bool
    message: str

    def __repr__(self) -> str:
        return f"{'✓' if self.right else '✗'} {self.question}: {self.message}"

    def _repr_markdown_(self) -> str:
        """The same in a notebook, where it wraps."""
        return repr(self).replace("*", r"\*")


class StoppedError(Exception):
    """The function that was asked raised an exception. The text says which."""


class UnansweredError(Exception):
    """There is no answer: the function is missing, ran out of time or memory, or its process died. The text says which."""
