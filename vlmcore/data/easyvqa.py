"""easy-VQA: 5,000 images of one coloured shape with 48,248 questions, by Victor Zhou.

The images and questions come from the PyPI package `easy-vqa`
(https://github.com/vzhou842/easy-VQA), with its official split: 4,000 images with
38,575 questions for training, 1,000 with 9,673 for testing. There are 13 answers: eight
colours, three shapes, yes and no.

`training_text` asks the same questions about shapes that are described in words. A
miniature language model is pre-trained on this text before it sees an image, as a real
one is on text at large.
"""

from itertools import product
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from vlmcore.config.validation import check_choice, whole
from vlmcore.data.samples import Sample
from vlmcore.data.synthetic.drawing import COLOURS, SHAPES

CONTENTS = tuple(product(COLOURS, SHAPES))
"""The 24 pairs of a colour and a shape that an image can show."""


class EasyVQASplit(NamedTuple):
    """One split: images, uint8 (n, 3, 64, 64), and questions about them."""

    images: np.ndarray
    samples: list[Sample]


def load(split: Literal["train", "test"], images: int | None = None) -> EasyVQASplit:
    """Reads one split from the installed package.

    Args:
        split: "train" or "test".
        images: how many of its images to read, with their questions; None for all.

    Raises:
        ModuleNotFoundError: the package is not installed; the message says how to get
            it.
        ValueError: there is no such split, or no image is asked for.
    """
    check_choice("split", split, ("train", "test"))
    if images is not None:
        images = whole("images", images)
    try:
        import easy_vqa
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "easy-VQA is not installed; get it with: pip install easy-vqa"
        ) from error
    paths, questions = {
        "train": (easy_vqa.get_train_image_paths, easy_vqa.get_train_questions),
        "test": (easy_vqa.get_test_image_paths, easy_vqa.get_test_questions),
    }[split]
    files = paths()
    row = {image: i for i, image in enumerate(sorted(files)[:images])}
    pixels = [
        np.asarray(Image.open(files[image]).convert("RGB")).transpose(2, 0, 1)
        for image in row
    ]
    samples = [
        sample(row[image], question, answer)
        for question, answer, image in zip(*questions(), strict=True)
        if image in row
    ]
    return EasyVQASplit(np.stack(pixels), samples)


def sample(image: int, question: str, answer: str) -> Sample:
    """Returns a question with its kind, which follows from the answer."""
    if answer in ("yes", "no"):
        return Sample(image, question, answer, "yes/no", 2)
    if answer in COLOURS:
        return Sample(image, question, answer, "colour", len(COLOURS))
    return Sample(image, question, answer, "shape", len(SHAPES))


def contents(data: EasyVQASplit) -> np.ndarray:
    """Finds what each image shows from the answers to its questions.

    Returns:
        int (n,), into `CONTENTS`; -1 where the answers do not settle it.
    """
    words: list[set[str]] = [set() for _ in data.images]
    for question in data.samples:
        words[question.image] |= _asserted(question)
    known = {frozenset(content): i for i, content in enumerate(CONTENTS)}
    return np.array([known.get(frozenset(w), -1) for w in words])


def centres(images: np.ndarray) -> np.ndarray:
    """Finds the centre of each image's shape, float (n, 2): row and column in [0, 1].

    The background is the most frequent colour.
    """
    red, green, blue = images.astype(int).transpose(1, 0, 2, 3)
    colour = 65536 * red + 256 * green + blue
    shape = np.stack([image != np.bincount(image.ravel()).argmax() for image in colour])
    side = images.shape[-1]
    rows_and_columns = np.indices((side, side))
    centre = np.einsum("nhw,chw->nc", shape, rows_and_columns)
    return (centre / shape.sum((1, 2))[:, None] + 0.5) / side


def answer(question: str, colour: str, shape: str) -> str | None:
    """Answers a question about an image, by the rule of the data set.

    Returns:
        The answer; None for a question that is not asked about such an image.

    Example:
        >>> answer("is there not a blue shape?", "blue", "circle")
        'no'
    """
    words = question.rstrip("?").split()
    named_colour = next((word for word in words if word in COLOURS), None)
    named_shape = next((word for word in words if word in SHAPES), None)
    if words[0] == "what":
        if (named_colour or colour) != colour or (named_shape or shape) != shape:
            return None
        return colour if "color" in words else shape
    present = named_colour == colour if named_colour else named_shape == shape
    return "no" if present == _is_negated(words) else "yes"


def training_text(questions: list[str]) -> list[Sample]:
    """Asks every question about every content: `a blue circle . is there a circle ?`.

    Args:
        questions: the texts to ask, without repetition.

    Returns:
        Samples without images (`image` is the number of the content).
    """
    return [
        sample(i, f"a {colour} {shape} . {question}", reply)
        for i, (colour, shape) in enumerate(CONTENTS)
        for question in questions
        if (reply := answer(question, colour, shape)) is not None
    ]


def _asserted(question: Sample) -> set[str]:
    """Returns the colours and shapes that a question and its answer assert."""
    words = question.question.rstrip("?").split()
    named = {word for word in words if word in COLOURS or word in SHAPES}
    if question.kind != "yes/no":
        return named | {question.answer}
    return named if (question.answer == "yes") != _is_negated(words) else set()


def _is_negated(words: list[str]) -> bool:
    return bool({"not", "no"} & set(words))
