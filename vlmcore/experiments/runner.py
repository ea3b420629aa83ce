"""Does one run of an experiment and writes its result.

A run pre-trains a miniature language model on text (or loads it), aligns a compressor
with it, tunes both on a task, and scores the model on new images and on images permuted
across questions. Runs that share weights train them once. `run_config` says what a run
is, `sweep` does many.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock

from vlmcore import cost
from vlmcore.data.samples import Sample, tokenize
from vlmcore.evaluation.metrics import Score
from vlmcore.evaluation.short_answers import (
    answered_right,
    permute_images,
    score_answers,
)
from vlmcore.experiments.pretraining.embedding_targets import (
    align_to_embeddings,
)
from vlmcore.experiments.records import describe_run, logged_losses
from vlmcore.experiments.run_config import (
    SCHEMA,
    RunConfig,
    identity,
    language_identity,
    split_of,
    weights_of,
)
from vlmcore.experiments.tasks import TaskData, find_task, load_task
from vlmcore.files import read_json, stored_result, write_json
from vlmcore.folders import settle
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.models.language import LanguageModel
from vlmcore.models.precision import half_of
from vlmcore.models.prefix_cache import shared_prefix
from vlmcore.models.vision import VisionEncoder
from vlmcore.models.vlm import VLM
from vlmcore.training.data import Objective, TrainingData
from vlmcore.training.stages import fit, language_tokens
from vlmcore.training.trainer import device_of

SECONDS = "seconds.json"
ANSWER_TOKENS = 2
"""Tokens of an answer, a word and its end, for the cost of a run."""


def prepare(config: RunConfig, work: str | Path) -> None:
    """Computes the features that a run shares with others, unless they are there."""
    if config.model.compressor is not None:
        for task in _load(config):
            _features(weights_of(config), task.train_images, work)
            _features(config, task.test_images, work)


def run_cell(
    config: RunConfig,
    results: str | Path,
    work: str | Path,
    *,
    progress: bool = False,
    accelerator: str = "cpu",
    command: str = "vlmcore.experiments.runner.run_cell",
) -> dict[str, Any]:
    """Does one run, or reads its result if it is there.

    Args:
        config: the run.
        results: folder of the result files.
        work: folder for what can be made again: features, language models, checkpoints.
        progress: whether to show progress bars.
        accelerator: as Lightning's; a model is scored where it was trained.
        command: how to make the result again, written into it.

    Returns:
        The result as it stands in the file.
    """
    path = Path(results) / f"{identity(config)}.json"
    if result := stored_result(path, id=identity(config), schema=SCHEMA):
        return result
    tasks, started = _load(config), time.perf_counter()
    options = {"progress": progress, "accelerator": accelerator}
    vlm, processed = train(config, tasks, work, **options)
    vlm.to(device := device_of(accelerator))
    trained = time.perf_counter()
    scores, correct = _scores(config, vlm, tasks, work)
    seconds = {"train": trained - started, "test": time.perf_counter() - trained}
    q = max(text_tokens(vlm, task) for task in tasks)
    result = describe_run(config, vlm.config, scores, seconds) | {
        "text_tokens": q,
        "training_tokens": processed,
        "right": "".join(str(int(right)) for right in correct),
        "device": device.type,
        "command": command,
    }
    if config.pretrained is not None:  # few runs, and long ones: keep how they went
        result["losses"] = logged_losses(Path(work) / identity(config))
    result["flops"] = cost.exact_flops(vlm.config, q, ANSWER_TOKENS)._asdict()
    write_json(path, result)
    return result


def _scores(
    config: RunConfig, vlm: VLM, tasks: Sequence[TaskData], work: str | Path
) -> tuple[dict[str, dict[str, Score]], list[bool]]:
    """Scores on test images and on permuted ones, and which questions are right."""
    tests = [task.test for task in tasks]
    permuted = [permute_images(test) for test in tests]
    answers, samples = _answer(config, vlm, tasks, tests, work)
    scores = {
        "test": score_answers(answers, samples),
        "shuffled": score_answers(*_answer(config, vlm, tasks, permuted, work)),
    }
    return scores, answered_right(answers, samples)


def train(
    config: RunConfig,
    task: TaskData | Sequence[TaskData],
    work: str | Path,
    **options: Any,
) -> tuple[VLM, int]:
    """Trains the model of a run, or loads it if it is trained.

    Args:
        config: the run.
        task: its data; for a mixture, those of all its parts.
        work: folder for features, language models and checkpoints.
        **options: of `trainer.run`.

    Returns:
        The model, and how many tokens its language model read in training.
    """
    work, base = Path(work), weights_of(config)
    vision = VisionEncoder.from_pretrained()
    language = language_model(config, work, **options)
    torch.manual_seed(config.training.seed)
    vlm = VLM.from_parts(base.model, vision, language)
    parts = [task] if isinstance(task, TaskData) else task
    data = [_training_data(config, part, vlm, work) for part in parts]
    alignment, folder = _alignment(config, parts, data, language), work / identity(base)
    with FileLock(f"{folder}.lock"):
        fit(vlm, data, config.training, folder, alignment=alignment, **options)
    texts = [part.tokens for part in data]
    processed = language_tokens(vlm.config, texts, config.training)
    if base != config and vlm.compressor is not None:
        other = VLM.from_parts(config.model, vision, vlm.language)
        assert other.compressor is not None
        other.compressor.load_state_dict(vlm.compressor.state_dict())
        vlm = other.eval()
    return vlm, processed


def language_model(
    config: RunConfig, work: str | Path, **options: Any
) -> LanguageModel:
    """The language model of a run before it is trained with images.

    A miniature is pre-trained once and then loaded from `work`; options are those of
    `trainer.run`. Pretrained weights are read in half precision: most of them stay
    frozen, and processors that have the type are several times faster with it.
    """
    if config.pretrained is not None:
        half = half_of(device_of(options.get("accelerator", "auto")))
        return LanguageModel.from_pretrained(
            config.pretrained, dtype=half, attention="eager"
        )
    folder = Path(work) / f"language-{language_identity(config)}"
    with FileLock(f"{folder}.lock"):  # two chapters may want the same model at once
        if not (settle(folder) / "model.safetensors").exists():
            _pretrain(config, folder, **options)
    return LanguageModel.from_pretrained(folder)


def pretraining_seconds(config: RunConfig, work: str | Path) -> float | None:
    """Seconds of a language model's pre-training; None if it was interrupted."""
    log = Path(work) / f"language-{language_identity(config)}.training" / SECONDS
    return read_json(log) if log.exists() else None


def _pretrain(config: RunConfig, folder: Path, **options: Any) -> None:
    """Pre-trains a miniature language model and writes it to a folder."""
    training, started = Path(f"{folder}.training"), time.perf_counter()
    resumed = (training / "resume.ckpt").exists()
    pretrain = find_task(config.task).pretraining(split_of(config))
    model = pretrain(
        training,
        config=config.model.language,
        stage=config.text,
        seed=config.training.seed,
        **options,
    )
    seconds = time.perf_counter() - started
    write_json(training / SECONDS, None if resumed else round(seconds, 1))
    model.save_pretrained(folder)


def text_tokens(vlm: VLM, task: TaskData) -> int:
    """Q of a task's longest question, with the start token or the chat's turns."""
    tokens = tokenize(
        task.test,
        vlm.language.tokenizer,
        vlm.config.order,
        answers=False,
        template=vlm.language.prompt_template,
    )
    return int(tokens.length.max())


def _load(config: RunConfig) -> list[TaskData]:
    parts = find_task(config.task).parts
    return [load_task(part.name, *split_of(config)) for part in parts]


def _answer(
    config: RunConfig,
    vlm: VLM,
    tasks: Sequence[TaskData],
    tests: Sequence[list[Sample]],
    work: str | Path,
) -> tuple[list[str], list[Sample]]:
    """Answers to samples about the test images of tasks, and the samples."""
    answer, answers = find_task(config.task).answer, list[str]()
    for task, samples in zip(tasks, tests, strict=True):
        blind = vlm.compressor is None
        features = None if blind else _features(config, task.test_images, work)
        answers += answer(vlm, samples, features)
    return answers, [sample for samples in tests for sample in samples]


def _training_data(
    config: RunConfig, task: TaskData, vlm: VLM, work: str | Path
) -> TrainingData:
    language, blind = vlm.language, vlm.compressor is None
    images = task.train_images
    features = None if blind else _features(weights_of(config), images, work)
    tokens = tokenize(
        task.train,
        language.tokenizer,
        config.model.order,
        template=language.prompt_template,
    )
    return TrainingData(tokens, features, shared_prefix(tokens))


def _alignment(
    config: RunConfig,
    tasks: Sequence[TaskData],
    data: Sequence[TrainingData],
    language: LanguageModel,
) -> Objective | None:
    """Stage 1 with embedding targets; None for the language-modelling loss."""
    task, wanted = find_task(config.task), config.embedding_targets
    if not (task.embedding_targets if wanted is None else wanted):
        return None
    side = config.model.vision.side
    targets = [task.targets(part, language, side) for part in tasks]
    return align_to_embeddings(data, targets, language.tokenizer.pad_token_id)


def _features(config: RunConfig, images: np.ndarray, work: str | Path) -> FeatureStore:
    compressor = config.model.compressor
    attention = compressor is not None and compressor.sees_attention
    encoder = VisionEncoder.from_pretrained()
    return FeatureStore(encoder, images, work, attention=attention)
