"""One run of the book: how it is done, and what is written down about it. `vlmcore.experiments.run_config` says what it is, `vlmcore.experiments.sweep` does many.

A run gives a miniature language model its language (or finds it done), aligns a
compressor with it, tunes both on a task, and scores the model on images it has not
seen, and on shuffled ones. Where one set of weights serves several runs it is trained
once.
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
from vlmcore.data import easyvqa, easyvqa_facts
from vlmcore.data.samples import Sample, tokenize
from vlmcore.evaluation.metrics import Score
from vlmcore.evaluation.short_answers import (
    answered_right,
    first_tokens,
    generate_answers,
    permute_images,
    question_only,
    score_answers,
)
from vlmcore.experiments.pretraining.clip_and_text import pretrain_language
from vlmcore.experiments.pretraining.curriculum import (
    PARTS,
    answers_from_scene_tokens,
    pretrain_on_curriculum,
    tokenize_contents,
    tokenize_scenes,
)
from vlmcore.experiments.pretraining.easyvqa_targets import shape_targets
from vlmcore.experiments.pretraining.embedding_targets import SceneTargets
from vlmcore.experiments.pretraining.scene_tokens import pretrain_on_scene_tokens
from vlmcore.experiments.run_config import (
    SCHEMA,
    RunConfig,
    identity,
    language_identity,
    method,
    pretraining_text,
    weights_of,
)
from vlmcore.experiments.tasks import (
    FAMILIES,
    SCHOOLED,
    Task,
    TaskName,
    family_scenes,
    load_task,
    parts_of,
    world_of,
)
from vlmcore.files import read_json, write_json
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.models.language import LanguageModel
from vlmcore.models.vision import VisionEncoder
from vlmcore.models.vlm import VLM
from vlmcore.training.stages import TrainingData, fit, language_tokens
from vlmcore.training.trainer import device_of, read_log

ANSWER_TOKENS = 2
"""Tokens generated for an answer, of one word and its end, at which the cost of a run
is stated."""


def prepare(config: RunConfig, work: str | Path) -> None:
    """Makes the features that a run shares with others, if they are not there yet."""
    if config.model.compressor is not None:
        for task in _tasks(config):
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
    started = time.perf_counter()
    tasks = _tasks(config)
    vlm, processed = train(
        config, tasks, work, progress=progress, accelerator=accelerator
    )
    vlm.to(device := device_of(accelerator))
    trained = time.perf_counter()
    answers, samples = _examine(
        config, vlm, [(task, task.test) for task in tasks], work
    )
    scores = {
        "test": score_answers(answers, samples),
        "shuffled": score_answers(
            *_examine(
                config, vlm, [(task, permute_images(task.test)) for task in tasks], work
            )
        ),
    }
    seconds = {"train": trained - started, "test": time.perf_counter() - trained}
    result = _result(config, vlm.config, scores, seconds) | {
        "text_tokens": max(text_tokens(vlm, task) for task in tasks),
        "training_tokens": processed,
        "right": "".join(str(int(right)) for right in answered_right(answers, samples)),
        "device": device.type,
        "command": command,
    }
    if (
        config.pretrained is not None
    ):  # few runs, and long ones: how they went is worth keeping
        result["losses"] = _losses(Path(work) / identity(config))
    result["flops"] = cost.exact_flops(
        vlm.config, result["text_tokens"], ANSWER_TOKENS
    )._asdict()
    write_json(path, result)
    return result


def _examine(
    config: RunConfig,
    vlm: VLM,
    tests: Sequence[tuple[Task, list[Sample]]],
    work: str | Path,
) -> tuple[list[str], list[Sample]]:
    """What the model says to questions about the test images of tasks, and the questions."""
    answer = first_tokens if config.task in SCHOOLED else generate_answers
    answers, asked = list[str](), list[Sample]()
    for task, samples in tests:
        features = (
            None
            if vlm.compressor is None
            else _features(config, task.test_images, work)
        )
        answers, asked = answers + answer(vlm, samples, features), asked + samples
    return answers, asked


def train(
    config: RunConfig, task: Task | Sequence[Task], work: str | Path, **options: Any
) -> tuple[VLM, int]:
    """Trains the model of a run, or finds it trained.

    Args:
        config: the run.
        task: its data; of a mixture, all its parts.
        work: folder for features, language models and checkpoints.
        **options: of `loop.run`.

    Returns:
        The model, and how many tokens its language model read in training.
    """
    work, base = Path(work), weights_of(config)
    vision, language = (
        VisionEncoder.from_pretrained(),
        language_model(config, work, **options),
    )
    torch.manual_seed(config.training.seed)
    vlm = VLM.from_parts(base.model, vision, language)
    data = []
    for part in [task] if isinstance(task, Task) else task:
        features = (
            None if vlm.compressor is None else _features(base, part.train_images, work)
        )
        tokens = tokenize(
            part.train, language.tokenizer, config.model.order, frame=language.frame
        )
        data.append(TrainingData(tokens, features, _notes(config, part, language)))
    fit(vlm, data, config.training, work / identity(base), **options)
    processed = language_tokens(
        vlm.config, [part.tokens for part in data], config.training
    )
    if base != config and vlm.compressor is not None:
        other = VLM.from_parts(config.model, vision, vlm.language)
        assert other.compressor is not None
        other.compressor.load_state_dict(vlm.compressor.state_dict())
        vlm = other.eval()
    return vlm, processed


def _tasks(config: RunConfig) -> list[Task]:
    return [load_task(part, config.held_out) for part in parts_of(config.task)]


def text_tokens(vlm: VLM, task: Task) -> int:
    """Q of the longest question of a task, with the start token or the turns of the chat around it."""
    tokens = tokenize(
        task.test,
        vlm.language.tokenizer,
        vlm.config.order,
        answers=False,
        frame=vlm.language.frame,
    )
    return int(tokens.length.max())


def language_model(
    config: RunConfig, work: str | Path, **options: Any
) -> LanguageModel:
    """The run's language model before it sees: a miniature is pre-trained once, with the options of `loop.run`, then loaded from `work`.

    Pretrained weights are read as bfloat16: most of them stay as they are, and
    processors that know the type are several times quicker.
    """
    if config.pretrained is not None:
        return LanguageModel.from_pretrained(
            config.pretrained, dtype=torch.bfloat16, attention="eager"
        )
    seed, folder = (
        config.training.seed,
        Path(work) / f"language-{language_identity(config)}",
    )
    if not (folder / "model.safetensors").exists():
        training, sizes = f"{folder}.training", config.model.language
        if config.task in SCHOOLED:
            model = pretrain_on_curriculum(
                training, sizes, config.text, world_of(config.held_out), seed, **options
            )
        elif pretraining_text(config) == "notes":
            model = pretrain_on_scene_tokens(
                training, sizes, config.text, seed, **options
            )
        else:
            samples = (
                easyvqa_facts.told()
                if config.task == "word_facts"
                else easyvqa.told(
                    sorted({s.question for s in easyvqa.load("train").samples})
                )
            )
            model = pretrain_language(
                training, sizes, samples, config.text, seed, **options
            )
        partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
        model.save_pretrained(partial)
        try:
            partial.replace(folder)
        except OSError:  # another process was quicker, with the same weights
            shutil.rmtree(partial)
    return LanguageModel.from_pretrained(folder)


def _notes(
    config: RunConfig, task: Task, language: LanguageModel
) -> SceneTargets | None:
    if not (
        config.task in SCHOOLED
        if config.embedding_targets is None
        else config.embedding_targets
    ):
        return None
    if task.train_scenes is None:
        return shape_targets(easyvqa.load("train"), language, config.model.vision.side)
    words = tokenize_scenes(task.train_scenes, language.tokenizer)
    return SceneTargets(
        words, task.train_scenes.where, tokenize_contents(language.tokenizer)
    )


def run_text_only(
    config: RunConfig,
    results: str | Path,
    work: str | Path,
    command: str,
    accelerator: str = "cpu",
) -> None:
    """Writes what the language model of a grid's run answers from notes instead of images: the floor under its errors.

    Args:
        config: the run.
        results: folder of the result files.
        work: where the language model is.
        command: written into the result.
        accelerator: as Lightning's; the language model answers there.
    """
    path = Path(results) / f"text-{language_identity(config)}.json"
    if path.exists():
        return
    language, scores = (
        language_model(config, work, progress=False).to(device_of(accelerator)),
        dict[str, Any](),
    )
    for family in FAMILIES:
        scenes = family_scenes(family, config.held_out, test=True, draw=False)
        answers = {
            str(parts): answers_from_scene_tokens(language, scenes, parts)
            for parts in PARTS
        }
        scores[family] = _plain(
            {
                parts: score_answers(said, scenes.samples)
                for parts, said in answers.items()
            }
        )
    sizes = replace(config.model, language=language.config)
    write_json(
        path,
        {
            "name": "text_only",
            "schema": SCHEMA,
            "language": to_dict(language.config),
            "text": to_dict(config.text),
        }
        | {
            "text_seed": config.training.seed,
            "parameters": cost.parameters(sizes)._asdict(),
            "scores": scores,
            "command": command,
        },
    )


def run_question_only(task: TaskName, results: str | Path, command: str) -> None:
    """Writes the score of the best guess from the question's text alone, which needs no model."""
    path = Path(results) / (
        "question_only.json" if task == "easyvqa" else f"question_only-{task}.json"
    )
    if not path.exists():
        data = load_task(task)
        scores = {
            "test": score_answers(question_only(data.train, data.test), data.test)
        }
        write_json(
            path,
            {
                "name": "question_only",
                "task": task,
                "scores": _plain(scores),
                "command": command,
            },
        )


def _features(config: RunConfig, images: np.ndarray, work: str | Path) -> FeatureStore:
    attention = (
        config.model.compressor is not None and config.model.compressor.sees_attention
    )
    return FeatureStore(
        VisionEncoder.from_pretrained(), images, work, attention=attention
    )


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
        "scores": _plain(scores),
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


def _plain(
    scores: dict[str, dict[str, Score]],
) -> dict[str, dict[str, dict[str, float]]]:
    return {
        split: {kind: value._asdict() for kind, value in kinds.items()}
        for split, kinds in scores.items()
    }
