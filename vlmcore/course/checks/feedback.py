"""The result of a check, and the errors that a student's function can end with."""

from typing import NamedTuple


class Feedback(NamedTuple):
    """The result for one answer, which a notebook shows as a sentence."""

    question: str
    right: bool
    message: str
    conclusion: str = ""
    """The answer's meaning, which is said once it is right."""

    def __repr__(self) -> str:
        said = f"{'✓' if self.right else '✗'} {self.question}: {self.message}"
        return f"{said}\n\n{self.conclusion}".strip()

    def _repr_markdown_(self) -> str:
        """Returns the sentence as Markdown, which a notebook wraps."""
        return repr(self).replace("*", r"\*")


class StoppedError(Exception):
    """The student's function raised an exception, which the message names."""


class UnansweredError(Exception):
    """There is no answer: no function, no time or memory left, or a dead process.

    The message says which.
    """
