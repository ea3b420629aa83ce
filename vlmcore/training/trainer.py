"""The training loop: Lightning's, made so that it can be killed at any moment and resumed to the same weights.

What a step sees is a pure function of its number, and so is any randomness inside it,
so that nothing but weights and optimiser state needs to be saved. Every training in
this package goes through `run`.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
import pandas as pd
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset
from transformers import get_cosine_schedule_with_warmup

from vlmcore.files import beside

Precision = Literal["auto", "32-true", "bf16-mixed", "16-mixed"]
MIXED_FROM = 50_000_000
"""Parameters from which on a GPU computes in half precision. Of a smaller model it
waits for the next kernel, and to cast takes more of them: on an H100 a miniature's step
in bfloat16 takes one to four times as long as in single precision
(`book/results/LOG.md`)."""


@dataclass(frozen=True)
class StageConfig:
    """One stage: AdamW without weight decay, linear warm-up, cosine to zero."""

    steps: int
    """Optimiser steps; 0 leaves the stage out."""
    learning_rate: float
    """At the end of the warm-up."""
    batch_size: int = 64
    """Samples a step."""
    warmup: float = 0.03
    """Share of the steps with rising learning rate."""

    def __post_init__(self) -> None:
        if self.steps < 0 or self.batch_size < 1 or self.learning_rate <= 0:
            raise ValueError(
                f"{self.steps} steps of {self.batch_size} samples at a learning rate "
                f"of {self.learning_rate} cannot be trained; "
                "steps must be 0 or more, the other two positive"
            )


class Steps(IterableDataset):
    """The batches of a run, from the step at which it stands to its last.

    Args:
        make: what a step sees, a pure function of its number.
        start: called when iteration begins, gives the number of steps already done.
        stop: steps in all.
    """

    def __init__(
        self, make: Callable[[int], Any], start: Callable[[], int], stop: int
    ) -> None:
        self.make, self.start, self.stop = make, start, stop

    def __iter__(self) -> Iterator[Any]:
        return map(self.make, range(self.start(), self.stop))


class Stage(pl.LightningModule):
    """One stage of training as a Lightning module.

    Args:
        model: whose parameters with `requires_grad` are trained.
        loss: from model and batch to a scalar.
        make_batch: what step number i sees, a pure function.
        config: steps and learning rate.
        seed: of the randomness inside a step.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[[Any, Any], Tensor],
        make_batch: Callable[[int], Any],
        config: StageConfig,
        seed: int,
    ) -> None:
        super().__init__()
        self.model = model
        self.loss = loss
        self.make_batch = make_batch
        self.config = config
        self.seed = seed

    def train_dataloader(self) -> DataLoader:
        """Batches from the step at which training stands; never shuffled, never forgotten."""
        return DataLoader(
            Steps(self.make_batch, lambda: self.trainer.global_step, self.config.steps),
            batch_size=None,
        )

    def training_step(self, batch: Any, index: int) -> Tensor:
        """One step."""
        torch.manual_seed(hash((self.seed, self.trainer.global_step)))
        loss = self.loss(self.model, batch)
        self.log("loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW over what is trained; the schedule counts steps."""
        trained = [
            parameter
            for parameter in self.model.parameters()
            if parameter.requires_grad
        ]
        optimizer = torch.optim.AdamW(
            trained, lr=self.config.learning_rate, weight_decay=0.0
        )
        warmup = round(self.config.warmup * self.config.steps)
        schedule = get_cosine_schedule_with_warmup(optimizer, warmup, self.config.steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keeps frozen weights out of the checkpoint: they are where they came from."""
        trained = {
            name
            for name, parameter in self.named_parameters()
            if parameter.requires_grad
        }
        checkpoint["state_dict"] = {
            name: x for name, x in checkpoint["state_dict"].items() if name in trained
        }


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its place and renames it, and unpickles nothing but tensors and plain values."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any | None = None,
    ) -> None:
        """Writes a checkpoint that is there completely or not at all."""
        with beside(path) as partial:
            torch.save(checkpoint, partial)

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any = "cpu",
        weights_only: bool | None = True,
    ) -> dict[str, Any]:
        """Reads a checkpoint with `weights_only=True`."""
        return torch.load(path, map_location=map_location, weights_only=True)


def run(
    stage: Stage,
    folder: str | Path,
    *,
    checkpoint_every: int = 100,
    progress: bool = True,
    precision: Precision = "auto",
    accelerator: str = "auto",
) -> None:
    """Trains a stage to its last step, from the checkpoint in `folder` if there is one.

    Args:
        stage: what to train; its model is trained in place.
        folder: holds `resume.ckpt` while the stage runs and the logs
            `csv/version_*/metrics.csv`, one for each start.
        checkpoint_every: steps between checkpoints; a killed run repeats at most so
            many.
        progress: whether to show a progress bar.
        precision: `auto` is float32 on a CPU and for a model of fewer than `MIXED_FROM`
            parameters, else bf16 or fp16, as the card allows.
        accelerator: as Lightning's.
    """
    folder = Path(folder)
    checkpoint = folder / "resume.ckpt"
    saver = ModelCheckpoint(
        folder,
        filename="resume",
        every_n_train_steps=checkpoint_every,
        save_on_train_epoch_end=False,
        enable_version_counter=False,
    )
    bar = [TQDMProgressBar(refresh_rate=20)] if progress else []
    with _quiet():
        trainer = pl.Trainer(
            max_steps=stage.config.steps,
            accelerator=accelerator,
            devices=1,
            precision=_precision(precision, accelerator, stage.model),
            logger=CSVLogger(folder, name="csv"),
            log_every_n_steps=10,
            callbacks=[saver, *bar],
            plugins=[AtomicCheckpointIO()],
            strategy="auto",
            gradient_clip_val=1.0,
            enable_progress_bar=progress,
            enable_model_summary=False,
            use_distributed_sampler=False,
        )
        stage.strict_loading = False  # frozen weights are not in the checkpoint
        trainer.fit(stage, ckpt_path=checkpoint if checkpoint.exists() else None)


def device_of(accelerator: str) -> torch.device:
    """Where a trained model answers: on a GPU if one has trained it."""
    return torch.device(
        "cuda" if accelerator != "cpu" and torch.cuda.is_available() else "cpu"
    )


def read_log(folder: str | Path) -> pd.DataFrame:
    """The loss of a stage by step, from the logs of all its starts; steps that were repeated count once.

    Returns:
        A table with the columns `step` and `loss`.
    """
    logs = sorted(
        Path(folder).glob("csv/version_*/metrics.csv"),
        key=lambda path: int(path.parent.name.removeprefix("version_")),
    )
    if not logs:
        raise FileNotFoundError(
            f"{folder} holds no training log; give the folder of a stage, such as "
            ".../align or .../tune"
        )
    table = pd.concat([pd.read_csv(log) for log in logs])
    return (
        table.drop_duplicates("step", keep="last")
        .sort_values("step")[["step", "loss"]]
        .reset_index(drop=True)
    )


def _precision(precision: Precision, accelerator: str, model: nn.Module) -> Any:
    if precision != "auto":
        return precision
    if (
        device_of(accelerator).type == "cpu"
        or sum(parameter.numel() for parameter in model.parameters()) < MIXED_FROM
    ):
        return "32-true"
    return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's advice about workers and loggers does not apply to a run whose data are already in memory."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        logger.setLevel(level)
