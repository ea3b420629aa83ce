"""What a run of the book is: a model, how it is trained, on what it is scored; its name and those of its parts. Lists: `vlmcore.experiments.suites`."""

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
from vlmcore.experiments.tasks import find_task
from vlmcore.files import difference
from vlmcore.training.stages import TrainingConfig
from vlmcore.training.trainer import StageConfig

SCHEMA = 2
"""Raised when the meaning of a config or a result changes; old results then belong to
runs of the past."""


@dataclass(frozen=True)
class RunConfig:
    """One run: a model, how it was trained, on what it is scored."""

    model: VLMConfig = VLMConfig()
    training: TrainingConfig = TrainingConfig()
    text: StageConfig = StageConfig(steps=1200, learning_rate=3e-3)
    """Pre-training of a miniature language model: on told questions for easy-VQA and
    words, on notes for the worlds."""
    held_out: bool = False
    """Score on what is never reported, for development."""
    task: str = "easyvqa"
    """A key of `vlmcore.experiments.tasks.TASKS`."""
    embedding_targets: bool | None = None
    """Stage 1 by the words for what images show, or by answers; None is words for the
    families of the grid, answers for all else."""
    pretrained: str | None = None
    """A pretrained language model, by the name or folder of its checkpoint, instead of
    a miniature that is trained on `text`."""


def identity(config: RunConfig) -> str:
    """A run's name: a hash of the schema and of the config's fields that differ from the defaults.

    A new field with a default therefore leaves the names of old runs alone.
    """
    unusual = difference(to_dict(config), to_dict(RunConfig()))
    return hashlib.sha256(
        json.dumps([SCHEMA, unusual], sort_keys=True).encode()
    ).hexdigest()[:12]


def weights_of(config: RunConfig) -> RunConfig:
    """The run whose training this one uses: its own, or another's where the method has one set of weights for many runs.

    PruMerge takes the projector and the language model of the uncompressed run; M3 and
    MQT are trained once for every V.
    """
    model = config.model
    if model.compressor is None:
        return config
    shared = model.compressor.shared_weights(model.axes)
    return replace(config, model=replace(model, **shared._asdict()))


def method(compressor: CompressorConfig | None) -> str:
    """The name of a compressor in results; that of an ablation says what is left.

    Example:
        >>> method(None)
        'blind'
    """
    return "blind" if compressor is None else compressor.label


def language_identity(config: RunConfig) -> str:
    """The name of a run's language model: a hash of its sizes, its school and its seed."""
    key = [
        SCHEMA,
        find_task(config.task).text_name(config.held_out),
        to_dict(config.model.language),
        to_dict(config.text),
        config.training.seed,
    ]
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:12]


def config_of(result: dict[str, Any]) -> RunConfig:
    """The config of a run as it was asked for, from its result.

    A result states the vocabulary that a miniature got from its tokenizer; what was
    asked for is the default.

    Raises:
        ValueError: this is not the result of a run, or not of one that the code of
            today would do.
    """
    if "config" not in result:
        raise ValueError("this is no result of a run: it has no config")
    stored = from_dict(
        RunConfig, result["config"]
    )  # fields that are newer than the result have their defaults
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
