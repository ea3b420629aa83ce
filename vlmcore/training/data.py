"""Batches for training, validation and prediction, as a Lightning data module.

The global batch of a step is a pure function of the step's number
(`vlmcore.data.samples.rows_of_step`). Processes and micro-batches take disjoint parts
of it: a run on several devices sees the samples that a run on one device sees, and a
resumed run those of an undisturbed one.
"""

from collections.abc import Callable, Iterator, Sequence, Sized
from math import ceil
from typing import Any, NamedTuple, Protocol, runtime_checkable

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor

from vlmcore.config import StageName
from vlmcore.config.validation import check_choice, check_kind, whole
from vlmcore.data.samples import IGNORE, Batch, Tokens, rows_of_step
from vlmcore.models.feature_cache import Features
from vlmcore.models.vision import VisionFeatures
from vlmcore.models.vlm import VLM
from vlmcore.training.steps import MicroBatch, Part, Steps, position
from vlmcore.training.trainer import StageConfig

STAGES: tuple[StageName, ...] = ("align", "tune")
"""LLaVA's stages in their order; the number of a stage is part of its seeds."""


class VQABatch(NamedTuple):
    """Samples and the features or pixels of their images; None for a blind model."""

    rows: Tensor
    """int (b,), rows of the samples in their data set."""
    samples: Batch
    images: VisionFeatures | Tensor | None
    shared_prefix: int = 0
    """Leading tokens, the same in every sample, that the language model runs once."""

    def to(self, device: torch.device | str) -> "VQABatch":
        """The same batch on another device."""
        images = None if self.images is None else self.images.to(device)
        return self._replace(samples=self.samples.to(device), images=images)


@runtime_checkable
class DataSet(Protocol):
    """Samples that a `VQADataModule` takes, such as `TrainingData`."""

    @property
    def samples(self) -> int:
        """Their number."""

    def check(self, *, labelled: bool) -> None:
        """Raises ValueError when one has no label, or no image."""

    def rows_of_step(self, size: int, seeds: tuple[int, ...], step: int) -> Tensor:
        """The rows of a training step, int (size,); a pure function."""

    def batch(self, rows: Tensor) -> VQABatch:
        """The samples in `rows`, int (b,)."""

    def part(self, rows: Tensor, part: Part) -> MicroBatch:
        """A part of a global batch, weighted by its share of the labels."""


class TrainingData(NamedTuple):
    """Tokenised samples and their images; `features` is None for a blind model."""

    tokens: Tokens
    features: Features | np.ndarray | Tensor | None
    """Features of the images, or their RGB pixels, uint8 (n, 3, h, h)."""
    shared_prefix: int = 0
    """As in `VQABatch`; `vlmcore.models.prefix_cache.shared_prefix` gives it. A chat
    template is worth it, since a step of SmolLM2 then takes half the time."""

    @property
    def samples(self) -> int:
        """The number of samples."""
        return len(self.tokens.image)

    def rows_of_step(self, size: int, seeds: tuple[int, ...], step: int) -> Tensor:
        """As `vlmcore.data.samples.rows_of_step`."""
        return rows_of_step(self.samples, size, seeds, step)

    def check(self, *, labelled: bool) -> None:
        """Raises ValueError when a sample has no label, or no image."""
        check_kind("tokens", self.tokens, Tokens, "give what tokenize returns")
        silent = int((self.tokens.labels == IGNORE).all(dim=1).sum())
        if labelled and silent:
            raise ValueError(
                f"{silent} of {len(self.tokens.labels)} samples have no label; "
                "tokenise them with answers=True"
            )
        last = int(self.tokens.image.max())
        check_kind("features", self.features, Sized | None, "give features or pixels")
        if isinstance(self.features, np.ndarray | Tensor) and self.features.ndim != 4:
            raise ValueError(
                f"pixels have the shape {tuple(self.features.shape)}; give uint8 "
                "(n, 3, h, h)"
            )
        if self.features is not None and last >= len(self.features):
            raise ValueError(
                f"a sample is about image {last} of {len(self.features)}, counted from "
                "0; give the images that the samples were made for"
            )

    def batch(self, rows: Tensor) -> VQABatch:
        """The samples in `rows`, int (b,)."""
        samples = self.tokens.batch(rows)
        images: Any = None
        if isinstance(self.features, np.ndarray):
            images = torch.from_numpy(self.features[samples.image.numpy()])
        elif self.features is not None:
            images = self.features[samples.image]
        return VQABatch(rows, samples, images, self.shared_prefix)

    def part(self, rows: Tensor, part: Part) -> MicroBatch:
        """A part of a global batch, weighted by its share of the labels."""
        if part.total == 1:
            return MicroBatch(self.batch(rows))
        labels = (self.tokens.labels[rows] != IGNORE).sum(1)
        share = part.of(labels).sum().item() / labels.sum().item()
        # a part without rows still joins the collective calls, with weight 0
        mine = part.of(rows) if part.number < len(rows) else rows[:1]
        return MicroBatch(self.batch(mine), part.total * share)


def as_sets(data: Any) -> list[DataSet]:
    """One data set or several as a list, or a sentence."""
    if isinstance(data, DataSet):
        return [data]
    hint = "give a TrainingData, or a list of them"
    check_kind("data", data, Sequence, hint)
    for part in data or [None]:
        check_kind("data", part, DataSet, hint)
    return list(data)


class Objective(NamedTuple):
    """A loss other than that of language modelling, and the batches that it reads."""

    loss: Callable[[VLM, Any], Tensor]
    """From the model and the content of a micro-batch to a scalar."""
    batch: Callable[[int, Tensor, Part], MicroBatch]
    """From the number of a data set, the rows of a global batch and a part of it to
    that part."""
    content: Any = None
    """Parts of the batches beside the data sets; a run resumes only with the same."""


class InOrder:
    """The samples of a data set that one of several processes evaluates, in order.

    Every process gets the same number of batches, as collective calls need it.

    Args:
        data: samples and their images.
        batch_size: samples of a batch at most (a few more if there are hardly any).
        rank: number of the process.
        processes: how many there are.
    """

    def __init__(
        self, data: DataSet, batch_size: int, rank: int = 0, processes: int = 1
    ) -> None:
        samples = data.samples
        if samples < processes:
            raise ValueError(
                f"{samples} samples cannot be shared among {processes} processes; give "
                "more samples or fewer devices"
            )
        batches = min(ceil(samples / (batch_size * processes)), samples // processes)
        pieces = torch.arange(samples).tensor_split(batches * processes)
        self.data, self.pieces = data, pieces[rank::processes]

    def __len__(self) -> int:
        return len(self.pieces)

    def __iter__(self) -> Iterator[VQABatch]:
        return map(self.data.batch, self.pieces)


class VQADataModule(pl.LightningDataModule):
    """Questions about images, for a `VLMModule` in any Lightning Trainer.

    An epoch is the whole stage: the training batches end after `config.steps` optimiser
    steps. Validation and prediction go through their samples once, in order; each
    process takes its share, and none is seen twice.

    Args:
        train: samples tokenised with answers, and their images; of several data sets,
            the steps take turns.
        config: steps, and the global batch size that processes and micro-batches share.
        stage: which of LLaVA's stages this is.
        seed: of the order of the samples.
        validation: like `train`. The loss is logged after each epoch, or as often as
            the Trainer's `val_check_interval` says.
        predict: samples tokenised without answers, and their images.
        objective: gives the training batches of another loss.
        workers: loader processes for the training batches; 0 makes them in this one,
            which is best where all samples lie in memory.
    """

    def __init__(
        self,
        train: DataSet | Sequence[DataSet],
        config: StageConfig,
        *,
        stage: StageName = "tune",
        seed: int = 0,
        validation: DataSet | None = None,
        predict: DataSet | None = None,
        objective: Objective | None = None,
        workers: int = 0,
    ) -> None:
        super().__init__()
        self.train = as_sets(train)
        for data in (*self.train, validation, predict):
            check_kind("data", data, DataSet | None, "give a TrainingData")
            if data is not None:
                scored = objective is None and data is not predict
                data.check(labelled=scored or data is validation)
        check_kind("config", config, StageConfig, "give a StageConfig")
        check_choice("stage", stage, STAGES)
        self.config, self.seeds = config, (seed, STAGES.index(stage))
        self.validation, self.predict = validation, predict
        self.objective, self.workers = objective, whole("workers", workers, 0)

    def made_of(self) -> dict[str, Any]:
        """Everything that decides the training batches, beside their size."""
        return {"train": self.train, "objective": self.objective, "seeds": self.seeds}

    def part_of_step(self, step: int, part: Part) -> MicroBatch:
        """A part of the global batch of a step."""
        turn, number = divmod(step, len(self.train))
        data, size = self.train[number], self.config.batch_size
        rows = data.rows_of_step(size, self.seeds, turn)
        if self.objective is not None:
            batch = self.objective.batch(number, rows, part)
        else:
            batch = data.part(rows, part)
        if self.config.mean_per_device:
            parts = min(part.total, len(rows))  # the others are empty
            weight = part.total / parts if batch.weight else 0.0
            batch = batch._replace(weight=weight)
        return batch._replace(turn=turn, part=part)

    def train_dataloader(self) -> Steps:
        """Micro-batches from the step at which training stands."""
        return Steps(self.part_of_step, self, self.config.steps, self.workers)

    def val_dataloader(self) -> Sized:
        """The validation samples; none if there are none."""
        return [] if self.validation is None else self._in_order(self.validation)

    def predict_dataloader(self) -> Sized:
        """The samples to answer; none if there are none."""
        return [] if self.predict is None else self._in_order(self.predict)

    def _in_order(self, data: DataSet) -> InOrder:
        assert self.trainer is not None
        return InOrder(data, self.config.batch_size, *position(self.trainer))
