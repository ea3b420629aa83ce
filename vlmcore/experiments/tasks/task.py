"""A task: data, text for pre-training, embedding targets, way of answering."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from vlmcore.config import LanguageConfig
from vlmcore.config.validation import whole
from vlmcore.data.samples import Sample
from vlmcore.data.synthetic.scenes import Scenes
from vlmcore.evaluation.metrics import Score
from vlmcore.evaluation.short_answers import generate_answers
from vlmcore.experiments.pretraining.embedding_targets import SceneTargets
from vlmcore.models.language import LanguageModel
from vlmcore.training.trainer import StageConfig

TextScores = dict[str, dict[str, dict[str, Score]]]
"""By task, number of scene tokens and kind of question."""


class Pretraining(Protocol):
    """Trains a language model from nothing, or resumes; options of `trainer.run`."""

    def __call__(
        self,
        folder: str | Path,
        *,
        config: LanguageConfig,
        stage: StageConfig,
        seed: int,
        **options: Any,
    ) -> LanguageModel:
        """The trained model of these sizes."""


class TaskData(NamedTuple):
    """Samples to train on and to score, with their images, uint8 (n, 3, h, w)."""

    train: list[Sample]
    test: list[Sample]
    train_images: np.ndarray
    test_images: np.ndarray
    train_scenes: Scenes | None = None
    """Descriptions of the training images, where the task has them."""


class Split(NamedTuple):
    """Which data of a task a run has."""

    held_out: bool = False
    """Whether to take data that are never reported, for development."""
    seed: int = 0
    """Of the world, for tasks that have many."""
    images: int | None = None
    """At most so many images to train on, and to test on; None for all."""

    def at_most(self, count: int) -> int:
        """How many of `count` images it has."""
        return (
            count if self.images is None else min(whole("images", self.images), count)
        )


class Task(ABC):
    """A task of the experiments."""

    name: str
    embedding_targets = False
    """Whether stage 1 uses embedding targets unless a run says otherwise."""
    world_per_seed = False
    """Whether every seed has a world and a test set of its own."""
    answer: Callable[..., list[str]] = staticmethod(generate_answers)
    """Answers to samples: generated texts, or the first word alone."""

    @property
    def parts(self) -> "tuple[Task, ...]":
        """The tasks whose data it has: itself, unless it is a mixture."""
        return (self,)

    @abstractmethod
    def load(self, split: Split) -> TaskData:
        """The data of a split."""

    @abstractmethod
    def text_name(self, held_out: bool) -> str:
        """A name for the text of the language model's pre-training."""

    @abstractmethod
    def pretraining(self, split: Split) -> Pretraining:
        """The function that trains a language model on that text."""

    def targets(
        self, data: TaskData, language: LanguageModel, side: int
    ) -> SceneTargets:
        """Embedding targets for the training images, on a grid of `side` cells a side.

        Raises:
            ValueError: the task has no descriptions of its images.
        """
        raise ValueError(f"the task {self.name!r} has no descriptions of its images")

    def text_scores(self, language: LanguageModel, split: Split) -> TextScores | None:
        """Scores from descriptions instead of images, None where the task has none."""
        return None
