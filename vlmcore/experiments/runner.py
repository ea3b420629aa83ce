"""Does one run of an experiment and writes its result.

A run pre-trains a miniature language model on text (or loads it), aligns a compressor
with it, tunes both on a task, and scores the model on new images and on images permuted
across questions. Runs that share weights train them once. `run_config` says what a run
is, `sweep` does many.
"""

import os
import platform
import shutil
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vlmcore import cost
from vlmcore.config import VLMConfig, replace, to_dict
from vlmcore.data.samples import Sample, tokenize
from vlmcore.evaluation.metrics import Score
from vlmcore.evaluation.short_answers import (
    answered_right,
    permute_images,
    score_answers,
)
from vlmcore.experiments.pretraining.embedding_targets import (
    SceneTargets,
    align_to_embeddings,
)
from vlmcore.experiments.run_config import (
    SCHEMA,
    RunConfig,
    identity,
    language_identity,
    method,
    weights_of,
)
from vlmcore.experiments.tasks import TaskData, find_task, load_task
from vlmcore.files import read_json, write_json
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.models.language import LanguageModel
from vlmcore.models.prefix_cache import shared_prefix
from vlmcore.models.vision import VisionEncoder
from vlmcore.models.vlm import VLM
from vlmcore.training.data import TrainingData
from vlmcore.training.stages import fit, language_tokens
from vlmcore.training.trainer import device_of, read_log

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
    if path.exists():
        return read_json(path)
    tasks, started = _load(config), time.perf_counter()
    options = {"progress": progress, "accelerator": accelerator}
    vlm, processed = train(config, tasks, work, **options)
    vlm.to(device := device_of(accelerator))
    trained = time.perf_counter()
    tests = [task.test for task in tasks]
    answers, samples = _answer(config, vlm, tasks, tests, work)
    permuted = [permute_images(test) for test in tests]
    scores = {
        "test": score_answers(answers, samples),
        "shuffled": score_answers(*_answer(config, vlm, tasks, permuted, work)),
    }
    seconds = {"train": trained - started, "test": time.perf_counter() - trained}
    q = max(text_tokens(vlm, task) for task in tasks)
    result = _result(config, vlm.config, scores, seconds) | {
        "text_tokens": q,
        "training_tokens": processed,
        "right": "".join(str(int(right)) for right in answered_right(answers, samples)),
        "device": device.type,
        "command": command,
    }
    if config.pretrained is not None:  # few runs, and long ones: keep how they went
        result["losses"] = _losses(Path(work) / identity(config))
    result["flops"] = cost.exact_flops(vlm.config, q, ANSWER_TOKENS)._asdict()
    write_json(path, result)
    return result


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
    data, targets = [], []
    for part in [task] if isinstance(task, TaskData) else task:
        blind = vlm.compressor is None
        features = None if blind else _features(base, part.train_images, work)
        tokens = tokenize(
            part.train,
            language.tokenizer,
            config.model.order,
            template=language.prompt_template,
        )
        data.append(TrainingData(tokens, features, shared_prefix(tokens)))
        targets.append(_targets(config, part, language))
    known = [part for part in targets if part is not None]
    alignment = (
        align_to_embeddings(data, known, language.tokenizer.pad_token_id)
        if len(known) == len(data)
        else None
    )
    folder = work / identity(base)
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
    `trainer.run`. Pretrained weights are read as bfloat16: most of them stay frozen,
    and processors that have the type are several times faster with it.
    """
    if config.pretrained is not None:
        return LanguageModel.from_pretrained(
            config.pretrained, dtype=torch.bfloat16, attention="eager"
        )
    folder = Path(work) / f"language-{language_identity(config)}"
    if not (folder / "model.safetensors").exists():
        pretrain = find_task(config.task).pretraining(config.held_out)
        model = pretrain(
            f"{folder}.training",
            config=config.model.language,
            stage=config.text,
            seed=config.training.seed,
            **options,
        )
        partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
        model.save_pretrained(partial)
        try:
            partial.replace(folder)
        except OSError:  # another process was quicker, with the same weights
            shutil.rmtree(partial)
    return LanguageModel.from_pretrained(folder)


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
    return [load_task(part.name, config.held_out) for part in parts]


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


def _targets(
    config: RunConfig, data: TaskData, language: LanguageModel
) -> SceneTargets | None:
    task, wanted = find_task(config.task), config.embedding_targets
    if not (task.embedding_targets if wanted is None else wanted):
        return None
    return task.targets(data, language, config.model.vision.side)


def _features(config: RunConfig, images: np.ndarray, work: str | Path) -> FeatureStore:
    compressor = config.model.compressor
    attention = compressor is not None and compressor.sees_attention
    encoder = VisionEncoder.from_pretrained()
    return FeatureStore(encoder, images, work, attention=attention)


def _result(
    config: RunConfig,
    sizes: VLMConfig,
    scores: dict[str, dict[str, Score]],
    seconds: dict[str, float],
) -> dict[str, Any]:
    return {
        "id": identity(config),
        "schema": SCHEMA,
        "name": f"{method(sizes.compressor)}.v{sizes.visual_tokens}.seed{config.training.seed}",
        "task": config.task,
        "compressor": method(sizes.compressor),
        "visual_tokens": sizes.visual_tokens,
        "seed": config.training.seed,
        "config": to_dict(replace(config, model=sizes)),
        "parameters": cost.parameters(sizes)._asdict(),
        "scores": plain_scores(scores),
        "seconds": {stage: round(value, 1) for stage, value in seconds.items()},
        "threads": torch.get_num_threads(),
        "versions": {
            name: version(name)
            for name in ("torch", "transformers", "lightning", "numpy", "vlmcore")
        }
        | {"python": platform.python_version()},
    }


def _losses(run: Path) -> dict[str, dict[str, list[float]]]:
    """Steps and losses of each stage of a run, from its logs."""
    logs = {
        stage: read_log(run / stage)
        for stage in ("align", "tune")
        if any((run / stage).glob("csv/*/metrics.csv"))
    }
    return {
        stage: {"step": log["step"].tolist(), "loss": log["loss"].round(5).tolist()}
        for stage, log in logs.items()
    }


def plain_scores(
    scores: dict[str, dict[str, Score]],
) -> dict[str, dict[str, dict[str, float]]]:
    """Scores by split and kind as plain values, as result files hold them."""
    return {
        split: {kind: value._asdict() for kind, value in kinds.items()}
        for split, kinds in scores.items()
    }
