"""What a run is trained and scored on: easy-VQA with its official split, facts about its words, or a world drawn from fixed seeds."""

from functools import lru_cache
from typing import Literal, NamedTuple, get_args

import numpy as np

from vlmcore.data import easyvqa, words
from vlmcore.data.samples import Sample
from vlmcore.data.worlds.scenes import WORLDS

TaskName = Literal["easyvqa", "words", "reading", "attribute"]

TRAIN_SCENES, QUESTIONS, TEST_SCENES = 6000, 4, 2000
"""Of a world: scenes to train on, questions about each, and scenes to test on with one question each."""
_SEEDS = {"test": (1, 2), "held_out": (3, 4)}
"""Of a world's training and test scenes: those that are reported, and those for development."""


class Task(NamedTuple):
    """Samples to train on and samples to score, with their images, uint8 (n, 3, h, w)."""

    train: list[Sample]
    test: list[Sample]
    train_images: np.ndarray
    test_images: np.ndarray


@lru_cache(maxsize=2)
def load_task(name: TaskName = "easyvqa", held_out: bool = False) -> Task:
    """The data of a task.

    Args:
        name: which.
        held_out: for development, what is reported stays unseen: easy-VQA's training images are split nine to one, and a world is
            drawn from other seeds.

    Raises:
        ValueError: there is no such task.
    """
    if name not in get_args(TaskName):
        raise ValueError(f"there is no task {name!r}; choose from {', '.join(get_args(TaskName))}")
    if name == "easyvqa":
        return _load_easyvqa(held_out)
    if name == "words":
        return _load_words(held_out)
    train_seed, test_seed = _SEEDS["held_out" if held_out else "test"]
    train = WORLDS[name](train_seed, TRAIN_SCENES, questions=QUESTIONS)
    test = WORLDS[name](test_seed, TEST_SCENES)
    return Task(train.samples, test.samples, train.drawn(), test.drawn())


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
        [sample for sample in words.train_samples(train) if sample.image < last],
        [sample for sample in words.test_samples(test) if sample.image >= first],
        train.images,
        test.images,
    )
