"""A question of a benchmark with its image, its right answers and its prompt, whatever file it came from."""

import base64
import binascii
import io
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

LETTERS = "ABCDE"
SHORT = "Answer the question using a single word or phrase."
LETTER = "Answer with the option's letter from the given choices directly."
UNANSWERABLE = (
    "When the provided information is insufficient, respond with 'Unanswerable'."
)


class Question(NamedTuple):
    """One question as it is asked."""

    id: int | str
    prompt: str
    """What the model reads, with the wish how to answer."""
    image: Path | str | None
    """A file, or the image itself in base64; None for a question about text."""
    answers: tuple[str, ...]
    """What counts as right, or what ten people said; empty where only a server
    knows."""
    kind: str
    """For scores by kind."""
    where: str
    """File and line."""
    options: tuple[str, ...] = ()
    """Texts of the options, of a question with some."""
    group: Hashable = None
    """What must be right together: the image in MME, the question without its rotation
    in MMBench."""
    rotation: int = 0
    question: str = ""
    """MMBench's question without hint, options and wish, as its server wants it
    back."""


class UnreadableImageError(ValueError):
    """An image that is there and cannot be decoded."""


def short_prompt(question: str, *hints: str) -> str:
    r"""A question that wants a word or two, with hints between it and the wish.

    Example:
        >>> short_prompt("What color is the cat?")
        'What color is the cat?\nAnswer the question using a single word or phrase.'
    """
    return "\n".join((question, *hints, SHORT))


def choice_prompt(question: str, options: Sequence[str], hint: str = "") -> str:
    """A question that wants the letter of one of its options."""
    listed = [
        f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)
    ]
    return "\n".join(([hint] if hint else []) + [question, *listed, LETTER])


def open_image(question: Question) -> Image.Image | None:
    """The image of a question in RGB; None for a question about text.

    Raises:
        FileNotFoundError: the file is missing.
        UnreadableImageError: it cannot be decoded.
    """
    if question.image is None:
        return None
    if isinstance(question.image, Path) and not question.image.exists():
        raise FileNotFoundError(
            f"{question.where}: field 'image' names {question.image}, which is "
            "missing; check the folder of images"
        )
    try:
        source = (
            question.image
            if isinstance(question.image, Path)
            else io.BytesIO(base64.b64decode(question.image, validate=True))
        )
        with Image.open(source) as image:
            return image.convert("RGB")
    except (
        UnidentifiedImageError,
        OSError,
        binascii.Error,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
    ) as error:
        name = question.image if isinstance(question.image, Path) else "its base64"
        raise UnreadableImageError(
            f"{question.where}: field 'image', {name}, cannot be decoded ({error})"
        ) from error
