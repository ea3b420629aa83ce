"""The cost of a list of runs before any of them is started.

Operations, seconds on one thread of a CPU or on a GPU, and memory.

Training costs three times a forward pass where weights are learnt (the pass itself,
gradients of activations, gradients of weights). Small models do not keep a processor
busy, so a step also costs a constant, and on a GPU a constant for each layer. Rates and
constants were measured on one thread of a two-core machine and on one H100
(`book/results/LOG.md`), and are arguments, for other machines.

Memory is that of weights, their gradients, AdamW's two moments, and what the backward
pass needs again of the forward pass. The last is nearly proportional to operations
divided by the width of what is multiplied; the factors were measured, in single
precision. Mixed precision needs less.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from vlmcore.config import LanguageConfig, VLMConfig
from vlmcore.cost import (
    head_flops,
    language_flops,
    language_parameters,
    paper_flops,
    parameters,
)
from vlmcore.experiments import FAMILIES
from vlmcore.experiments.pretraining.curriculum import (
    CURRICULUM_QUESTIONS,
    CURRICULUM_TOKENS,
    CURRICULUM_TURNS,
)
from vlmcore.experiments.run_config import RunConfig, language_identity, weights_of
from vlmcore.experiments.tasks import find_task
from vlmcore.experiments.tasks.synthetic import FAMILY_TEST_SCENES, TRAIN_SCENES

QUESTION_LENGTH, ANSWER_LENGTH = 4, 2
"""Tokens of the longest question with its start, and of an answer with its end."""
TEXT_TOKENS = 3 * max(CURRICULUM_QUESTIONS.values()) + 2
"""Tokens of the longest pre-training text: questions of two words, answers of one."""
WORKER_BYTES = 2.1e9
"""Memory of a worker beside its tensors: libraries, scenes, texts. Measured."""
TRAINED_BYTES, KEPT_BY_COMPRESSOR = 16, 2 / 3
"""Bytes of a trained parameter with its gradient and moments; numbers kept for each
operation of a compressor over its width, measured."""


class Machine(NamedTuple):
    """How fast a device trains."""

    name: str
    flops_per_second: float
    """When it is busy."""
    seconds_per_step: float
    """The constant cost of a step."""
    seconds_per_layer: float = 0.0
    """Added by each layer, forward and backward; a third of it if only forward."""
    asynchronous: bool = False
    """Whether it computes while the program prepares the next step, so that the longer
    of the two counts and not their sum."""

    def seconds(self, steps: int, layers: float, flops: float) -> float:
        """Seconds of `flops` in `steps`, each through `layers` of a language model."""
        waiting = steps * (self.seconds_per_step + layers * self.seconds_per_layer)
        busy = flops / self.flops_per_second
        return max(waiting, busy) if self.asynchronous else waiting + busy


CPU_THREAD = Machine("thread", 45e9, 0.012)
GPU = Machine("GPU", 25e12, 0.008, 0.0033, asynchronous=True)
"""An H100 in single precision, free of other work."""


class Estimate(NamedTuple):
    """The cost of a group of runs."""

    runs: int
    flops: float
    seconds: float


def of_training(run: RunConfig, machine: Machine = CPU_THREAD) -> Estimate:
    """The cost of both stages of one run of the grid."""
    model, stages = run.model, run.training
    compressor, question, language = _forward_flops(model)
    depth = float(model.language.depth)
    parts = [(stages.tune, depth, 3 * compressor + question + 3 * language)]
    if model.compressor is not None:  # the question pass has no gradient
        layers = depth / 3 if question else 0.0
        parts.append((stages.align, layers, 3 * compressor + question))
    flops = seconds = 0.0
    for stage, layers, sample in parts:
        work = float(stage.steps * stage.batch_size * sample)
        flops, seconds = (
            flops + work,
            seconds + machine.seconds(stage.steps, layers, work),
        )
    return Estimate(1, flops, seconds)


def of_text_pretraining(run: RunConfig, machine: Machine = CPU_THREAD) -> Estimate:
    """The cost of the text pre-training of a run's language model."""
    language, stage = run.model.language, run.text
    questions = float(
        np.mean([CURRICULUM_QUESTIONS[family] for family in CURRICULUM_TURNS])
    )
    # a question and its answer have two or three words
    words = round(2.3 * questions + float(np.mean(CURRICULUM_TOKENS)))
    forward = language_flops(language, words, 0) + round(words / 3) * head_flops(
        language
    )
    flops = 3.0 * stage.steps * stage.batch_size * forward
    return Estimate(1, flops, machine.seconds(stage.steps, language.depth, flops))


def of_all(
    runs: Sequence[RunConfig], machine: Machine = CPU_THREAD
) -> dict[str, Estimate]:
    """The cost of a list of runs of the grid: pre-training and training by size.

    Raises:
        ValueError: a run is of another task, for which no constants were measured.
    """
    tasks = {part.name for run in runs for part in find_task(run.task).parts}
    if others := tasks - set(FAMILIES):
        raise ValueError(
            f"times are estimated for {', '.join(FAMILIES)} only, not for "
            f"{', '.join(sorted(others))}; start the runs and read the time left"
        )
    language_models = {language_identity(run): run for run in runs}.values()
    trainings = [run for run in runs if weights_of(run) == run]
    groups: dict[str, list[Estimate]] = {}
    for name, some, estimate in (
        ("text", language_models, of_text_pretraining),
        ("training", trainings, of_training),
    ):
        by_size = [(language_parameters(run.model.language), run) for run in some]
        for size, run in sorted(by_size, key=itemgetter(0)):
            groups.setdefault(f"{name}, N = {size:,}", []).append(
                estimate(run, machine)
            )
    return {
        name: Estimate(*(sum(column) for column in zip(*group, strict=True)))
        for name, group in groups.items()
    }


def describe_cost(
    configs: Sequence[RunConfig],
    todo: Sequence[RunConfig],
    workers: int,
    machine: Machine = CPU_THREAD,
) -> str:
    """The cost of runs without a result: operations, hours of one device, memory.

    Args:
        configs: all runs of the experiment.
        todo: those without a result.
        workers: how many run at a time.
        machine: the device of each worker.
    """
    groups, features = of_all(todo, machine), feature_bytes(configs[0].model) / 1e9
    lines = [
        f"{len(configs)} runs, {len(todo)} without a result; "
        f"features take {features:.1f} GB"
    ]
    lines += [
        f"{name:26}{part.runs:5} x {part.seconds / part.runs:6.0f} s "
        f"{part.flops / 1e15:8.3f} PFLOP"
        for name, part in groups.items()
    ]
    hours = sum(part.seconds for part in groups.values()) / 3600
    peak = max(map(peak_bytes, todo), default=0.0) / 1e9
    lines += [
        f"{hours:.1f} hours of one {machine.name}; "
        f"with {workers} workers {hours / workers:.1f} hours",
        f"memory: {peak:.2f} GB for the tensors of the largest run, beside "
        f"{WORKER_BYTES / 1e9:.1f} GB of each worker's own",
    ]
    if machine is GPU:
        lines.append("the tensors are on the GPU; times are those of one free H100")
    return "\n".join(lines)


def feature_bytes(config: VLMConfig) -> int:
    """Bytes of the features of all families' images."""
    vision, images = config.vision, len(FAMILIES) * (TRAIN_SCENES + FAMILY_TEST_SCENES)
    return 2 * images * vision.patches * len(vision.layers) * vision.width


def peak_bytes(run: RunConfig) -> float:
    """Bytes of tensors at the peak of a run's pre-training or training."""
    language, size, vision = run.model.language, parameters(run.model), run.model.vision
    trained = size.embedding + size.language + size.head
    texts = (
        4 * run.text.batch_size * _kept(language, TEXT_TOKENS, max(CURRICULUM_TOKENS))
    )
    tokens = QUESTION_LENGTH + ANSWER_LENGTH
    sample = _kept(language, tokens, run.model.visual_tokens)
    if run.model.compressor is not None:
        sample += vision.patches * len(vision.layers) * vision.width  # the features
        sample += KEPT_BY_COMPRESSOR * _forward_flops(run.model)[0] / vision.width
    weights = TRAINED_BYTES * (size.total - size.vision) + 4 * size.vision
    tuning = weights + 4 * run.training.tune.batch_size * sample
    return max(TRAINED_BYTES * trained + texts, tuning)


def _kept(language: LanguageConfig, text: int, visual_tokens: int) -> float:
    """Numbers that the backward pass keeps of a sample: 24 widths a token and layer."""
    flops = paper_flops(language_parameters(language), text, visual_tokens)
    return flops / language.width


def _forward_flops(config: VLMConfig) -> tuple[int, int, int]:
    """Operations for one sample: compressor, question pass, language model."""
    tokens = QUESTION_LENGTH + ANSWER_LENGTH + config.visual_tokens
    answer = ANSWER_LENGTH * head_flops(config.language)
    language = language_flops(config.language, tokens, 0) + answer
    compressor = config.compressor
    if compressor is None:
        return 0, 0, language
    asked = compressor.sees_question
    question = language_flops(config.language, QUESTION_LENGTH, 0) if asked else 0
    return compressor.flops(config.axes), question, language
