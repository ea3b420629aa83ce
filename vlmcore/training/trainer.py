"""Lightning's Trainer, set up so that a killed run resumes to the same weights.

Every training of this package goes through `run`. Checkpoints are written atomically
and hold tensors and plain values only, among them what the run is made of: a checkpoint
of another run is refused.
"""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
import pandas as pd
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import nn

from vlmcore.config.validation import check_kind, real, whole
from vlmcore.files import beside, refuse_other
from vlmcore.fingerprint import Described, fingerprint, torch_version
from vlmcore.models.precision import half_of

Precision = Literal["auto", "32-true", "bf16-mixed", "16-mixed"]
MIXED_FROM = 50_000_000
"""Parameters from which on a GPU computes in half precision. A smaller model waits for
the next kernel, and casts need more of them: on an H100 a miniature's step in bfloat16
takes one to four times as long as in single precision (`book/results/LOG.md`)."""
_DECIDING = {
    "gradient_clip_algorithm",
    "gradient_clip_val",
    "limit_train_batches",
    "overfit_batches",
}
"""Options of Lightning's Trainer that decide the weights. Devices and micro-batches
share a global batch and do not."""

_USUAL: Mapping[str, Any] = {
    "devices": 1,
    "log_every_n_steps": 10,
    "enable_model_summary": False,
}
OTHER_FOLDER = (
    "train in another folder, or move this one away (a model is built with the same "
    "weights after the same torch.manual_seed)"
)


@dataclass(frozen=True)
class StageConfig:
    """One stage: AdamW without weight decay, linear warm-up, cosine to zero."""

    steps: int
    """Optimiser steps; 0 leaves the stage out."""
    learning_rate: float
    """At the end of the warm-up."""
    batch_size: int = 64
    """Samples of a step, over all devices and micro-batches."""
    warmup: float = 0.03
    """Share of the steps with rising learning rate."""
    compressor_learning_rate: float | None = None
    """Another learning rate for the compressor; None is the same one."""
    mean_per_device: bool = False
    """Whether the loss is the mean of each micro-batch's own mean, as in LLaVA's code,
    in which an answer weighs more among short ones. By default every label of the
    global batch weighs the same, on however many devices."""

    def __post_init__(self) -> None:
        if self.compressor_learning_rate is not None:
            real("compressor_learning_rate", self.compressor_learning_rate, 1e-12)
        hint = "give True or False"
        check_kind("mean_per_device", self.mean_per_device, bool, hint)
        for name, value in (
            ("steps", whole("steps", self.steps, 0)),
            ("batch_size", whole("batch_size", self.batch_size)),
            ("learning_rate", real("learning_rate", self.learning_rate, 1e-12)),
            ("warmup", real("warmup", self.warmup, 0, 1)),
        ):
            object.__setattr__(self, name, value)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints completely or not at all; reads tensors and plain values.

    Args:
        made_of: what the run is made of, written into its checkpoints.
    """

    def __init__(self, made_of: Mapping[str, Any]) -> None:
        super().__init__()
        self.made_of = dict(made_of)

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any | None = None,
    ) -> None:
        """Writes a checkpoint beside its place and renames it."""
        with beside(path) as partial:
            torch.save({**checkpoint, "made_of": self.made_of}, partial)

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any = "cpu",
        weights_only: bool | None = True,
    ) -> dict[str, Any]:
        """Reads a checkpoint with `weights_only=True`."""
        return torch.load(path, map_location=map_location, weights_only=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences Lightning's advice, such as on workers: the data are in memory."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        logger.setLevel(level)


@_quiet()
def run(
    module: pl.LightningModule,
    data: pl.LightningDataModule,
    steps: int,
    folder: str | Path,
    *,
    checkpoint_every: int = 100,
    progress: bool = True,
    precision: Precision = "auto",
    logger: Logger | Sequence[Logger] | None = None,
    callbacks: Sequence[Callback] = (),
    made_of: Mapping[str, Any] | None = None,
    **options: Any,
) -> pl.Trainer:
    """Trains a module in place, from the checkpoint in `folder` if there is one.

    Args:
        module: what to train.
        data: its batches.
        steps: optimiser steps in all.
        folder: holds `resume.ckpt` while the run lasts (a ValueError, if it is of
            another run or of an unknown one) and the logs of its starts,
            `csv/version_*/metrics.csv`.
        checkpoint_every: steps between checkpoints, which a killed run repeats at most.
        progress: whether to show a progress bar.
        precision: `auto` takes bf16 or fp16 on a GPU from `MIXED_FROM` parameters on.
        logger: logs too, beside the CSV files.
        callbacks: more of Lightning's callbacks; what they change is not checked.
        made_of: as `run_made_of` gives it, if that is known already.
        **options: others of the Trainer, such as `accelerator`; `devices` is 1.
    """
    checkpoint = Path(folder) / "resume.ckpt"
    half = _precision(precision, module, options)
    made_of = made_of or run_made_of(module, data, steps, precision=half, **options)
    trainer = pl.Trainer(
        **{**_USUAL, **options},
        max_steps=steps,
        precision=half,
        logger=_loggers(checkpoint.parent, logger),
        callbacks=[*_callbacks(checkpoint, checkpoint_every, progress), *callbacks],
        plugins=[AtomicCheckpointIO(made_of)],
        enable_progress_bar=progress,
    )
    trainer.fit(module, datamodule=data, ckpt_path=_resumed(checkpoint, made_of))
    return trainer


def _resumed(checkpoint: Path, made_of: Mapping[str, Any]) -> Path | None:
    """The checkpoint, if it is there and of the same run."""
    if not checkpoint.exists():
        return None
    if checkpoint.is_dir():
        raise ValueError(
            f"{checkpoint} is a folder of shards, which is not known to belong to this "
            "run; train with vlmcore.training.sharding.sharding_strategy"
        )
    theirs = torch.load(checkpoint, weights_only=True, mmap=True)
    known = theirs.get("made_of") if isinstance(theirs, dict) else None
    refuse_other(known, made_of, checkpoint, OTHER_FOLDER)
    return checkpoint


def run_made_of(
    module: pl.LightningModule,
    data: pl.LightningDataModule,
    steps: int,
    *,
    precision: Precision = "auto",
    **options: Any,
) -> dict[str, Any]:
    """Everything that decides the result of `run`, by name: values or fingerprints.

    Raises:
        TypeError: the module or the data do not say what they are made of.
    """
    for part in (module, data):
        if not isinstance(part, Described):
            raise TypeError(
                f"a {type(part).__name__} does not say what it is made of, so that a "
                "run could not be resumed safely; give it a method made_of"
            )
    assert isinstance(module, Described) and isinstance(data, Described)
    decided = {name: value for name, value in options.items() if name in _DECIDING}
    return {
        **module.made_of(),
        "data": fingerprint(data),
        "steps": steps,
        "precision": _precision(precision, module, options),
        "options": decided,
        "torch": torch_version(),
    }


def _loggers(folder: Path, logger: Logger | Sequence[Logger] | None) -> list[Logger]:
    more = [logger] if isinstance(logger, Logger) else list(logger or ())
    return [CSVLogger(folder, name="csv"), *more]


def _callbacks(checkpoint: Path, every: int, progress: bool) -> list[Callback]:
    saver = ModelCheckpoint(
        checkpoint.parent,
        filename=checkpoint.stem,
        every_n_train_steps=every,
        save_on_train_epoch_end=False,
        enable_version_counter=False,
    )
    return [saver, *([TQDMProgressBar(refresh_rate=20)] if progress else [])]


def device_of(accelerator: str) -> torch.device:
    """Where a trained model answers: on a GPU if one has trained it."""
    return torch.device(
        "cuda" if accelerator != "cpu" and torch.cuda.is_available() else "cpu"
    )


def read_log(folder: str | Path) -> pd.DataFrame:
    """The loss of a stage by step, from the logs of all its starts.

    Returns:
        A table with the columns `step` and `loss`; of a step that was repeated, the
        last loss.
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
    table = pd.concat([pd.read_csv(log) for log in logs])[["step", "loss"]].dropna()
    table = table.drop_duplicates("step", keep="last").sort_values("step")
    return table.reset_index(drop=True)


def automatic_precision(half: torch.dtype | None, parameters: int) -> Precision:
    """The precision that `auto` stands for.

    Args:
        half: the 16-bit type of the GPU; None on a CPU.
        parameters: of the model.
    """
    if half is None or parameters < MIXED_FROM:
        return "32-true"
    return "bf16-mixed" if half is torch.bfloat16 else "16-mixed"


def _precision(
    precision: Precision, model: nn.Module, options: Mapping[str, Any]
) -> Any:
    """The precision that is meant, on the device of some options of the Trainer."""
    if precision != "auto":
        return precision
    device = device_of(options.get("accelerator", "auto"))
    half = half_of(device) if device.type == "cuda" else None
    return automatic_precision(half, sum(x.numel() for x in model.parameters()))
