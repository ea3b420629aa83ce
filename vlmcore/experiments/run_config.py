"""The config of one run: a model, how it is trained, and the task it is scored on.

A run and its language model are named by hashes of their configs. The runs of each
experiment are in `vlmcore.experiments.suites`.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from vlmcore.config import (
    CompressorConfig,
    LanguageConfig,
    VLMConfig,
    from_dict,
    replace,
    to_dict,
)
from vlmcore.experiments.tasks import Split, find_task
from vlmcore.files import difference
from vlmcore.training.stages import TrainingConfig
from vlmcore.training.trainer import StageConfig

SMOKE_IMAGES = 100
"""Images of a task to train on, and to test on, with the preset `smoke`."""
SCHEMA = 2
"""Version of configs and results; it is raised when the meaning of either changes."""


@dataclass(frozen=True)
class RunConfig:
    """One run: a model, its training, and the task that it is scored on."""

    model: VLMConfig = VLMConfig()
    training: TrainingConfig = TrainingConfig()
    text: StageConfig = StageConfig(steps=1200, learning_rate=3e-3)
    """Pre-training of a miniature language model on the text of its task."""
    held_out: bool = False
    """Whether to use data that are never reported, for development."""
    task: str = "easyvqa"
    """A key of `vlmcore.experiments.tasks.TASKS`."""
    embedding_targets: bool | None = None
    """Stage 1 with embedding targets or with the language-modelling loss; None leaves
    the choice to the task."""
    pretrained: str | None = None
    """Name or folder of a pretrained language model, instead of a miniature."""
    images: int | None = None
    """At most so many images of each task to train on, and to test on; None for all."""


def identity(config: RunConfig) -> str:
    """A run's name: a hash of the fields that differ from their defaults.

    A new field with a default therefore leaves the names of old runs alone.
    """
    return _mark(SCHEMA, difference(to_dict(config), to_dict(RunConfig())))


def language_identity(config: RunConfig) -> str:
    """The name of a language model: a hash of its sizes, pre-training and seed.

    As with a run's name, only fields that differ from their defaults count.
    """
    usual = RunConfig()
    return _mark(
        SCHEMA,
        find_task(config.task).text_name(config.held_out),
        difference(to_dict(config.model.language), to_dict(usual.model.language)),
        difference(to_dict(config.text), to_dict(usual.text)),
        config.training.seed,
    )


def _mark(*values: Any) -> str:
    """The first 12 hexadecimal digits of a hash of JSON values."""
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def weights_of(config: RunConfig) -> RunConfig:
    """The run whose training this one uses: its own, or one with shared weights.

    PruMerge takes the projector and the language model of the uncompressed run; M3 and
    MQT are trained once for every V.
    """
    model = config.model
    if model.compressor is None:
        return config
    shared = model.compressor.shared_weights(model.axes)
    return replace(config, model=replace(model, **shared._asdict()))


def split_of(config: RunConfig) -> Split:
    """The data of a run; every seed has its own where the task has many worlds."""
    own = find_task(config.task).world_per_seed
    return Split(config.held_out, config.training.seed if own else 0, config.images)


def method(compressor: CompressorConfig | None) -> str:
    """The name of a compressor in results; that of an ablation says what is left.

    Example:
        >>> method(None)
        'blind'
    """
    return "blind" if compressor is None else compressor.label


def preset(name: str, run: RunConfig = RunConfig()) -> RunConfig:
    """A run as a chapter does it: `smoke` in seconds, `cpu`, or `gpu` (batches of 256).

    `smoke` also has few images, since encoding all takes longer than its training.

    Raises:
        ValueError: there is no such size.
    """
    changes: dict[str, dict[str, int]] = {
        "smoke": {"steps": 20},
        "cpu": {},
        "gpu": {"batch_size": 256},
    }
    if name not in changes:
        raise ValueError(
            f"there is no preset {name!r}; choose from {', '.join(changes)}"
        )
    change = changes[name]
    align, tune = (
        replace(stage, **change) for stage in (run.training.align, run.training.tune)
    )
    return replace(
        run,
        training=replace(run.training, align=align, tune=tune),
        text=replace(run.text, **change),
        images=SMOKE_IMAGES if name == "smoke" else run.images,
    )


def config_of(result: dict[str, Any]) -> RunConfig:
    """The config of a run as it was asked for, read from its result.

    A result states the vocabulary that a miniature got from its tokenizer; the default
    was asked for.

    Raises:
        ValueError: this is not the result of a run, or the run has another name today.
    """
    if "config" not in result:
        raise ValueError("this is no result of a run: it has no config")
    # fields that are newer than the result have their defaults
    stored = from_dict(RunConfig, result["config"])
    if stored.pretrained is None:
        language = replace(
            stored.model.language, vocab_size=LanguageConfig().vocab_size
        )
        stored = replace(stored, model=replace(stored.model, language=language))
    if (result["schema"], result["id"]) != (SCHEMA, identity(stored)):
        raise ValueError(
            f"run {result['id']} of schema {result['schema']} would today be "
            f"{identity(stored)} of schema {SCHEMA}"
        )
    return stored
