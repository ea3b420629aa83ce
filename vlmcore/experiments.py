"""The experiments of the book: what a run is, how it is done, and the lists of runs behind its tables and figures.

One run pre-trains a miniature language model on told questions (or finds it done), aligns a compressor with it, tunes both on
easy-VQA, and scores the model on images it has not seen, and on shuffled ones. `vlmcore.sweep` does many.
"""

import hashlib
import json
import os
import platform
import shutil
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from vlmcore import cost
from vlmcore.config import CompressorConfig, PoolConfig, QueCCConfig, VLMConfig, replace, to_dict
from vlmcore.data import easyvqa
from vlmcore.data.samples import Sample, tokenize
from vlmcore.evaluation.metrics import Score
from vlmcore.evaluation.short_answers import generate_answers, question_only, score, shuffle_images
from vlmcore.language import LanguageModel
from vlmcore.loop import StageConfig
from vlmcore.pretraining import pretrain_language
from vlmcore.results import read_json, write_json
from vlmcore.training import TrainingConfig, TrainingData, fit
from vlmcore.vision import FeatureStore, VisionEncoder
from vlmcore.vlm import VLM

SCHEMA = 1
"""Raised when the meaning of a config or a result changes; old results then belong to runs of the past."""


@dataclass(frozen=True)
class RunConfig:
    """One run: a model, how it was trained, on what it is scored."""

    model: VLMConfig = VLMConfig()
    training: TrainingConfig = TrainingConfig()
    text: StageConfig = StageConfig(steps=1200, learning_rate=3e-3)
    """Pre-training of the language model on told questions."""
    held_out: bool = False
    """Score on a tenth of the training images, left out of training, instead of on the test split: for development."""


TEXT_TOKENS, ANSWER_TOKENS = 9, 2
"""Lengths at which the cost of a run is stated: a start token and a question of eight words and marks, an answer and its end token."""


class Task(NamedTuple):
    """What a run is trained and scored on."""

    train: list[Sample]
    test: list[Sample]
    train_images: np.ndarray
    test_images: np.ndarray


def identity(config: RunConfig) -> str:
    """A run's name: a hash of the schema and of the config's fields that differ from the defaults.

    A new field with a default therefore leaves the names of old runs alone.
    """
    unusual = _difference(to_dict(config), to_dict(RunConfig()))
    return hashlib.sha256(json.dumps([SCHEMA, unusual], sort_keys=True).encode()).hexdigest()[:12]


def prepare(config: RunConfig, work: str | Path) -> None:
    """Makes what several runs share, the features and the language model, if it is not there yet."""
    task = load_task(config.held_out)
    language_model(config, work)
    if config.model.compressor is not None:
        for images in (task.train_images, task.test_images):
            FeatureStore(VisionEncoder.from_pretrained(), images, work)


def run_cell(config: RunConfig, results: str | Path, work: str | Path, *, progress: bool = False) -> dict[str, Any]:
    """Does one run, or reads its result if it is there.

    Args:
        config: the run.
        results: folder of the result files.
        work: folder for what can be made again: features, language models, checkpoints.
        progress: whether to show progress bars.

    Returns:
        The result as it stands in the file.
    """
    path = Path(results) / f"{identity(config)}.json"
    if path.exists():
        return read_json(path)
    started = time.perf_counter()
    work = Path(work)
    task = load_task(config.held_out)
    vision = VisionEncoder.from_pretrained()
    language = language_model(config, work, progress=progress)
    torch.manual_seed(config.training.seed)
    vlm = VLM.from_parts(config.model, vision, language)
    features = None if vlm.compressor is None else FeatureStore(vision, task.train_images, work)
    data = TrainingData(tokenize(task.train, language.tokenizer, config.model.order), features)
    fit(vlm, data, config.training, work / identity(config), progress=progress, accelerator="cpu")
    trained = time.perf_counter()

    features = None if vlm.compressor is None else FeatureStore(vision, task.test_images, work)
    answers = {"test": task.test, "shuffled": shuffle_images(task.test)}
    scores = {name: score(generate_answers(vlm, samples, features), samples) for name, samples in answers.items()}
    seconds = {"train": trained - started, "test": time.perf_counter() - trained}
    result = _result(config, vlm.config, scores, seconds)
    write_json(path, result)
    return result


def load_task(held_out: bool = False) -> Task:
    """easy-VQA with its official split, or its training images split nine to one for development."""
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


def language_model(config: RunConfig, work: str | Path, *, progress: bool = False) -> LanguageModel:
    """The run's language model before it sees: pre-trained on told questions once, then loaded from `work`."""
    key = json.dumps([SCHEMA, to_dict(config.model.language), to_dict(config.text), config.training.seed], sort_keys=True)
    folder = Path(work) / f"language-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    if not (folder / "model.safetensors").exists():
        samples = easyvqa.told(sorted({sample.question for sample in easyvqa.load("train").samples}))
        model = pretrain_language(
            f"{folder}.training", config.model.language, samples, config.text, config.training.seed, progress=progress, accelerator="cpu"
        )
        partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
        model.save_pretrained(partial)
        try:
            partial.replace(folder)
        except OSError:  # another process was quicker, with the same weights
            shutil.rmtree(partial)
    return LanguageModel.from_pretrained(folder)


def easyvqa_runs(held_out: bool = False) -> list[RunConfig]:
    """V from blind to uncompressed on easy-VQA, three seeds each: QueCC where it compresses, plain projection at 144.

    The headline runs come first, and one seed of everything before the second of anything.
    """
    headline: list[tuple[CompressorConfig | None, int]] = [(QueCCConfig(), 1), (None, 0)]
    others: list[tuple[CompressorConfig | None, int]] = [*((QueCCConfig(), v) for v in (4, 16, 36)), (PoolConfig(), 144)]
    models = [(model, seed) for model in headline for seed in range(3)] + [(model, seed) for seed in range(3) for model in others]
    return [
        RunConfig(VLMConfig(visual_tokens=v, compressor=compressor), replace(TrainingConfig(), seed=seed), held_out=held_out)
        for (compressor, v), seed in models
    ]


def preset(name: str) -> RunConfig:
    """The run that a chapter does at a size: `smoke` in seconds, `cpu` as in the pages, `gpu` with larger batches for longer.

    Raises:
        ValueError: there is no such size.
    """
    sizes = {
        "smoke": RunConfig(
            training=TrainingConfig(StageConfig(10, 2e-3), StageConfig(20, 1e-3)), text=StageConfig(steps=30, learning_rate=3e-3)
        ),
        "cpu": RunConfig(),
        "gpu": RunConfig(
            training=TrainingConfig(StageConfig(600, 2e-3, batch_size=256), StageConfig(1500, 1e-3, batch_size=256)),
            text=StageConfig(steps=1200, learning_rate=3e-3, batch_size=256),
        ),
    }
    if name not in sizes:
        raise ValueError(f"there is no preset {name!r}; choose from {', '.join(sizes)}")
    return sizes[name]


EXPERIMENTS = {"easyvqa": easyvqa_runs}


def run_question_only(results: str | Path) -> None:
    """Writes the score of the best guess from the question's text alone, which needs no model."""
    path = Path(results) / "question_only.json"
    if not path.exists():
        task = load_task()
        scores = {"test": score(question_only(task.train, task.test), task.test)}
        write_json(path, {"name": "question_only", "scores": _plain(scores), "command": "python -m vlmcore.sweep run easyvqa"})


def _result(config: RunConfig, sizes: VLMConfig, scores: dict[str, dict[str, Score]], seconds: dict[str, float]) -> dict[str, Any]:
    compressor = sizes.compressor.name if sizes.compressor else "blind"
    return {
        "id": identity(config),
        "schema": SCHEMA,
        "name": f"{compressor}.v{sizes.visual_tokens}.seed{config.training.seed}",
        "compressor": compressor,
        "visual_tokens": sizes.visual_tokens,
        "seed": config.training.seed,
        "config": to_dict(replace(config, model=sizes)),
        "parameters": cost.parameters(sizes)._asdict(),
        "flops": cost.exact_flops(sizes, TEXT_TOKENS, ANSWER_TOKENS)._asdict(),
        "scores": _plain(scores),
        "seconds": {stage: round(value, 1) for stage, value in seconds.items()},
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in ("torch", "transformers", "lightning", "numpy", "vlmcore")}
        | {"python": platform.python_version()},
        "command": "python -m vlmcore.sweep run easyvqa",
    }


def _plain(scores: dict[str, dict[str, Score]]) -> dict[str, dict[str, dict[str, float]]]:
    return {split: {kind: value._asdict() for kind, value in kinds.items()} for split, kinds in scores.items()}


def _difference(value: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    """The entries of a nested dict that differ from the usual ones."""
    different = {}
    for name, entry in value.items():
        other = usual.get(name)
        if isinstance(entry, dict) and isinstance(other, dict) and entry.get("name") == other.get("name"):
            if nested := _difference(entry, other):
                different[name] = nested
        elif entry != other:
            different[name] = entry
    return different
