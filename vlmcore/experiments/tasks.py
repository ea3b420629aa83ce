"""What a run is trained and scored on: easy-VQA with its official split, facts about its words, or a world drawn from fixed seeds.

*Reading* and *attribute* belong to the race of the compressors; *knowledge*,
*reasoning* and *pages* are the families of the grid, and a *mixture* is all three of
them.
"""

from functools import lru_cache
from typing import Literal, NamedTuple, get_args

import numpy as np

from vlmcore.data import easyvqa, easyvqa_facts
from vlmcore.data.samples import Sample
from vlmcore.data.synthetic import task_families
from vlmcore.data.synthetic.icons import facts
from vlmcore.data.synthetic.letters_and_shapes import WORLDS

TaskName = Literal[
    "easyvqa",
    "word_facts",
    "letters",
    "attribute",
    "knowledge",
    "reasoning",
    "ocr",
    "mixture",
]
FAMILIES: tuple[TaskName, ...] = ("knowledge", "reasoning", "ocr")
"""The tasks of the grid."""
SCHOOLED: tuple[TaskName, ...] = (*FAMILIES, "mixture")
"""Tasks whose language models have been to school, and answer in a word."""

TRAIN_SCENES, QUESTIONS, TEST_SCENES = 6000, 4, 2000
"""Of a world: scenes to train on, questions about each, and scenes to test on with one
question each."""
FAMILY_TEST_SCENES = 6000
"""Scenes to test a family of the grid on: of six kinds of questions or six lengths of
pages a thousand each."""
_SEEDS = {"test": (1, 2), "held_out": (3, 4)}
"""Of a world's training and test scenes: those that are reported, and those for
development."""


class Task(NamedTuple):
    """Samples to train on and samples to score, with their images, uint8 (n, 3, h, w)."""

    train: list[Sample]
    test: list[Sample]
    train_images: np.ndarray
    test_images: np.ndarray
    train_scenes: task_families.Scenes | None = None
    """What the training images show, where it is known."""


def parts_of(name: TaskName) -> tuple[TaskName, ...]:
    """The tasks that a task is made of: itself, unless it is the mixture."""
    return FAMILIES if name == "mixture" else (name,)


@lru_cache(maxsize=3)
def load_task(name: TaskName = "easyvqa", held_out: bool = False) -> Task:
    """The data of a task.

    Args:
        name: which.
        held_out: for development, what is reported stays unseen: easy-VQA's training
            images are split nine to one, and a world is drawn from other seeds.

    Raises:
        ValueError: there is no such task, or it is made of several.
    """
    if parts_of(name) != (name,):
        raise ValueError(
            f"the {name} is several tasks; load {', '.join(parts_of(name))}"
        )
    if name not in get_args(TaskName):
        raise ValueError(
            f"there is no task {name!r}; choose from {', '.join(get_args(TaskName))}"
        )
    if name == "easyvqa":
        return _load_easyvqa(held_out)
    if name in FAMILIES:
        train, test = (
            family_scenes(name, held_out, test=test) for test in (False, True)
        )
        return Task(train.samples, test.samples, train.drawn(), test.drawn(), train)
    if name == "word_facts":
        return _load_words(held_out)
    train_seed, test_seed = _SEEDS["held_out" if held_out else "test"]
    shown, asked = (
        WORLDS[name](train_seed, TRAIN_SCENES, questions=QUESTIONS),
        WORLDS[name](test_seed, TEST_SCENES),
    )
    return Task(shown.samples, asked.samples, shown.drawn(), asked.drawn())


def world_of(held_out: bool) -> int:
    """The seed of the facts that are true in a family's worlds: others are true in development."""
    return _SEEDS["held_out" if held_out else "test"][0]


def family_scenes(
    name: TaskName, held_out: bool = False, *, test: bool, draw: bool = True
) -> task_families.Scenes:
    """The scenes of a family: four questions about each to train on, or one to test.

    Args:
        name: of a family.
        held_out: as for `load_task`.
        test: whether those to test on; they ask other facts, and show other
            handwriting.
        draw: whether images are wanted.
    """
    seed = _SEEDS["held_out" if held_out else "test"][test]
    count, questions = (FAMILY_TEST_SCENES, 1) if test else (TRAIN_SCENES, QUESTIONS)
    if name == "ocr":
        return task_families.ocr(
            seed, count, questions=questions, scored=test, draw=draw
        )
    make = task_families.knowledge if name == "knowledge" else task_families.reasoning
    return make(
        seed,
        count,
        facts(world_of(held_out)),
        questions=questions,
        scored=test,
        draw=draw,
    )


def _load_easyvqa(held_out: bool) -> Task:
    train = easyvqa.load("train")
    if not held_out:
        test = easyvqa.load("test")
        return Task(train.samples, test.samples, train.images, test.images)
    last = len(train.images) * 9 // 10
    return Task(
        [sample for sample in train.samples if sample.image < last],
        [sample for sample in train.samples if sample.image >= last],
        train.images,
        train.images,
    )


def _load_words(held_out: bool) -> Task:
    train, test = easyvqa.load("train"), easyvqa.load("train" if held_out else "test")
    last = len(train.images) * 9 // 10 if held_out else len(train.images)
    first = last if held_out else 0
    return Task(
        [
            sample
            for sample in easyvqa_facts.train_samples(train)
            if sample.image < last
        ],
        [
            sample
            for sample in easyvqa_facts.test_samples(test)
            if sample.image >= first
        ],
        train.images,
        test.images,
    )
