"""Training steps: the parts of a global batch, in order, wherever training stands."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, NamedTuple, cast

import lightning.pytorch as pl
from torch import Tensor
from torch.utils.data import DataLoader, Dataset


class Part(NamedTuple):
    """One of the parts of a global batch: a micro-batch of one process."""

    number: int = 0
    total: int = 1
    """How many parts there are."""

    def of(self, rows: Tensor) -> Tensor:
        """Rows of this part, int (b,); no two parts share a row."""
        return rows[self.number :: self.total]


class MicroBatch(NamedTuple):
    """The content of one training step of one process."""

    content: Any
    """Whatever the loss reads."""
    weight: float = 1.0
    """Factor of the loss; the mean over all parts is then the loss of the global batch,
    even where the parts have unequal numbers of labels."""
    turn: int = 0
    """How many batches its data set has given before; seeds what is drawn for it."""
    part: Part = Part()


class Steps:
    """The micro-batches of a run, from the step at which training stands to its last.

    Lightning takes any iterable for a dataloader, and leaves its order alone. Without
    workers, batches are made in this process.

    Args:
        make: a part of the global batch of a step, a pure function.
        owner: the Lightning module or data module, which knows its trainer.
        stop: optimiser steps in all; None leaves the end to the Trainer.
        workers: loader processes; they are forked and share what lies in memory.
    """

    def __init__(
        self,
        make: Callable[[int, Part], MicroBatch],
        owner: pl.LightningModule | pl.LightningDataModule,
        stop: int | None = None,
        workers: int = 0,
    ) -> None:
        self.make, self.owner, self.stop = make, owner, stop
        self.workers = workers

    def __iter__(self) -> Iterator[MicroBatch]:
        if not self.workers:
            yield from (self[key] for key in self._keys())
            return
        yield from DataLoader(
            cast(Dataset[MicroBatch], self),  # has __getitem__, and needs no length
            batch_size=None,
            sampler=self._keys(),
            num_workers=self.workers,
            multiprocessing_context="fork",
        )

    def __getitem__(self, key: tuple[int, Part]) -> MicroBatch:
        return self.make(*key)

    def _keys(self) -> Iterator[tuple[int, Part]]:
        """Steps and parts, one after another."""
        trainer = self.owner.trainer
        assert trainer is not None
        rank, processes = position(trainer)
        micro_batches = trainer.accumulate_grad_batches
        for step in count(trainer.global_step):
            if step == self.stop:
                return
            for index in range(micro_batches):
                number = index * processes + rank
                yield step, Part(number, processes * micro_batches)


class StepData(pl.LightningDataModule):
    """Training batches of any kind, each a pure function of the step's number.

    They are not divided: every process and micro-batch reads the whole batch. A run is
    resumed only with the same `content`, whatever the batches are made of.
    """

    def __init__(self, make: Callable[[int], Any], content: Any) -> None:
        super().__init__()
        self.make, self.content = make, content

    def made_of(self) -> dict[str, Any]:
        """The content of the batches."""
        return {"content": self.content}

    def train_dataloader(self) -> Steps:
        """Batches from the step at which training stands, without end."""
        return Steps(lambda step, part: MicroBatch(self.make(step), part=part), self)


def position(trainer: pl.Trainer) -> tuple[int, int]:
    """Number of this process, and how many share the data."""
    shared = trainer.distributed_sampler_kwargs or {"rank": 0, "num_replicas": 1}
    return shared["rank"], shared["num_replicas"]
