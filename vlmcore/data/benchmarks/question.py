"""A benchmark's question with its image, its right answers and its prompt.

The readers of all benchmarks yield this one class.
"""

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import NamedTuple

OPTION_LETTERS = "ABCDE"
ANNOTATORS = 10
"""Human answers to a question of VQAv2, VizWiz and TextVQA."""
UNBALANCED = "unbalanced"
"""Kind of GQA's questions that its script does not score."""
UNANSWERABLE_HINT = (
    "When the provided information is insufficient, respond with 'Unanswerable'."
)
_ANSWER_BRIEFLY = "Answer the question using a single word or phrase."
_ANSWER_BY_LETTER = "Answer with the option's letter from the given choices directly."


class Question(NamedTuple):
    """One question as it is asked."""

    id: int | str
    prompt: str
    """The text that the model reads, with the instruction how to answer."""
    image: Path | str | None
    """A file, or the image itself in base64; None for a question about text."""
    answers: tuple[str, ...]
    """The answers that count as right, or ten human answers; empty where only a server
    knows them."""
    kind: str
    """The type of question, for scores by type."""
    where: str
    """File and line, for error messages."""
    options: tuple[str, ...] = ()
    """Texts of the options of a multiple-choice question, for A, B, ...; an empty text
    is a gap, so that those behind it keep their letters."""
    group: Hashable = None
    """Questions of a group are right only together: those about an image in MME, the
    rotations of a question in MMBench."""
    rotation: int = 0
    question: str = ""
    """MMBench's question without hint, options and instruction, as its server wants
    it back."""
    types: tuple[str, ...] = ()
    """Further types of a question, beside `kind`."""
    entailed: tuple[str, ...] = ()
    """Ids of the questions whose answers follow from the right answer to this one."""


def short_prompt(question: str, *hints: str) -> str:
    r"""Returns the prompt of a question with a short answer, hints after the question.

    Example:
        >>> short_prompt("What color is the cat?")
        'What color is the cat?\nAnswer the question using a single word or phrase.'
    """
    return "\n".join((question, *hints, _ANSWER_BRIEFLY))


def lettered(options: Sequence[str]) -> dict[str, str]:
    """Returns the options by their letters, without gaps.

    Example:
        >>> lettered(["red", "", "green"])
        {'A': 'red', 'C': 'green'}
    """
    pairs = zip(OPTION_LETTERS, options, strict=False)
    return {letter: text for letter, text in pairs if text}


def choice_prompt(question: str, options: Sequence[str], hint: str = "") -> str:
    """Returns the prompt of a multiple-choice question, answered by a letter."""
    listed = [f"{letter}. {text}" for letter, text in lettered(options).items()]
    return "\n".join(([hint] if hint else []) + [question, *listed, _ANSWER_BY_LETTER])
