"""easy-VQA: 5,000 images of one coloured shape with 48,248 questions, made by Victor Zhou (https://github.com/vzhou842/easy-VQA).

The images and questions come from the PyPI package `easy-vqa`, with its official split:
4,000 images with 38,575 questions to train, 1,000 with 9,673 to test. 13 answers: eight
colours, three shapes, yes and no.

`told` makes the same questions about shapes that are *described* instead of shown: from
them a miniature language model learns the words and the rules before it ever sees, as a
real one does from text.
"""

from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from vlmcore.data.samples import Sample
from vlmcore.data.synthetic.captioned_shapes import COLOURS, SHAPES

Split = Literal["train", "test"]

CHOICES = {"yes/no": 2, "colour": len(COLOURS), "shape": len(SHAPES)}
"""Kinds of questions, and how many answers make sense to each."""

CONTENTS = tuple((colour, shape) for colour in COLOURS for shape in SHAPES)
"""The 24 things an image can show."""


class EasyVQA(NamedTuple):
    """One split: images, uint8 (n, 3, 64, 64), and questions about them."""

    images: np.ndarray
    samples: list[Sample]


def load(split: Split) -> EasyVQA:
    """Reads one split from the installed package.

    Raises:
        ModuleNotFoundError: the package is not installed; the message says how to get
            it.
    """
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
    row = {image: i for i, image in enumerate(sorted(files))}
    images = np.stack(
        [
            np.asarray(Image.open(files[image]).convert("RGB")).transpose(2, 0, 1)
            for image in row
        ]
    )
    samples = [
        sample(row[image], question, answer)
        for question, answer, image in zip(*questions(), strict=True)
    ]
    return EasyVQA(images, samples)


def sample(image: int, question: str, answer: str) -> Sample:
    """A question with its kind, told from the answer."""
    kind = (
        "yes/no"
        if answer in ("yes", "no")
        else "colour"
        if answer in COLOURS
        else "shape"
    )
    return Sample(image, question, answer, kind, CHOICES[kind])


def contents(data: EasyVQA) -> np.ndarray:
    """What each image shows, int (n,) into `CONTENTS`, from the answers to its questions; -1 where they do not settle it."""
    words: list[set[str]] = [set() for _ in data.images]
    for question in data.samples:
        words[question.image] |= _facts(question)
    known = {frozenset(content): i for i, content in enumerate(CONTENTS)}
    return np.array([known.get(frozenset(w), -1) for w in words])


def centres(images: np.ndarray) -> np.ndarray:
    """Where the shape of each image is, float (n, 2): row and column of its middle, from 0 to 1. The background is the commonest colour."""
    red, green, blue = images.astype(int).transpose(1, 0, 2, 3)
    colour = 65536 * red + 256 * green + blue
    shape = np.stack([image != np.bincount(image.ravel()).argmax() for image in colour])
    side = images.shape[-1]
    rows, columns = (
        np.einsum("nhw,hw->n", shape, at) / shape.sum((1, 2))
        for at in np.indices((side, side))
    )
    return (np.stack([rows, columns], 1) + 0.5) / side


def answer(question: str, colour: str, shape: str) -> str | None:
    """The rule of the data set: what is answered about a shape; None for a question that is not asked about it.

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
    return "yes" if present != bool({"not", "no"} & set(words)) else "no"


def told(questions: list[str]) -> list[Sample]:
    """Every question about every content, with the content described first: `a blue circle . is there a circle ?`.

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


def _facts(question: Sample) -> set[str]:
    """Words of colour and shape that a question and its answer together assert."""
    words = question.question.rstrip("?").split()
    named = {word for word in words if word in COLOURS or word in SHAPES}
    if question.kind != "yes/no":
        return named | {question.answer}
    asserted = (question.answer == "yes") != bool({"not", "no"} & set(words))
    return named if asserted else set()
