"""What a list of runs will cost, before any of them is started: operations, seconds on one thread of a CPU or on a GPU, memory.

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
from vlmcore.experiments.pretraining.curriculum import PARTS, QUESTIONS, TURNS
from vlmcore.experiments.run_config import RunConfig, language_identity, weights_of
from vlmcore.experiments.tasks import find_task
from vlmcore.experiments.tasks.synthetic import FAMILY_TEST_SCENES, TRAIN_SCENES

ASKED, ANSWERED = 4, 2
"""Tokens of the longest question of a family with its start, and of an answer with its
end."""


SAID = 3 * max(QUESTIONS.values()) + 2
"""Tokens of the longest text at school: questions of two words with an answer of one,
start and end."""
WORKER_BYTES = 2.1e9
"""What a worker holds beside its tensors: libraries, worlds with their questions, the
texts of the school. Measured on the grid."""
TRAINED_BYTES, KEPT_BY_COMPRESSOR = 16, 2 / 3
"""Bytes of a trained parameter with its gradient and moments; numbers kept for each
operation of a compressor over its width, measured."""


class Machine(NamedTuple):
    """How fast training goes."""

    name: str
    flops_per_second: float
    """Once it is busy."""
    seconds_per_step: float
    """What a step costs whatever its size."""
    seconds_per_layer: float = 0.0
    """What a layer adds to that, there and back; a third of it if only there."""
    asynchronous: bool = False
    """Whether it works while the program prepares what comes next, so that the longer
    of the two counts and not their sum."""

    def seconds(self, steps: int, layers: float, flops: float) -> float:
        """What `flops` in so many steps take, each through so many layers of the language model."""
        waits, works = (
            steps * (self.seconds_per_step + layers * self.seconds_per_layer),
            flops / self.flops_per_second,
        )
        return max(waits, works) if self.asynchronous else waits + works


CPU_THREAD = Machine("thread", 45e9, 0.012)
GPU = Machine("GPU", 25e12, 0.008, 0.0033, asynchronous=True)
"""An H100 in single precision, with nothing else to do."""


class Estimate(NamedTuple):
    """Of one group of runs."""

    runs: int
    flops: float
    seconds: float


def of_training(run: RunConfig, machine: Machine = CPU_THREAD) -> Estimate:
    """Alignment and tuning of one run of the grid."""
    config, stages = run.model, run.training
    see, ask, speak = _parts(config)
    depth = float(config.language.depth)
    parts = [(stages.tune, depth, 3 * see + ask + 3 * speak)]
    if config.compressor is not None:  # the question is read, and nothing goes back
        parts.append((stages.align, depth / 3 if ask else 0.0, 3 * see + ask))
    flops, seconds = 0.0, 0.0
    for stage, layers, sample in parts:
        work = float(stage.steps * stage.batch_size * sample)
        flops, seconds = (
            flops + work,
            seconds + machine.seconds(stage.steps, layers, work),
        )
    return Estimate(1, flops, seconds)


def of_text_pretraining(run: RunConfig, machine: Machine = CPU_THREAD) -> Estimate:
    """The school of a run's language model."""
    language, stage = run.model.language, run.text
    asked = 2.3 * float(
        np.mean([QUESTIONS[lesson] for lesson in TURNS])
    )  # a question and its answer have 2 or 3 words
    words = asked + float(np.mean(PARTS))
    flops = (
        3.0
        * stage.steps
        * stage.batch_size
        * (
            language_flops(language, round(words), 0)
            + round(words / 3) * head_flops(language)
        )
    )
    return Estimate(1, flops, machine.seconds(stage.steps, language.depth, flops))


def of_all(
    runs: Sequence[RunConfig], machine: Machine = CPU_THREAD
) -> dict[str, Estimate]:
    """The cost of a list of runs of the grid: pre-training and training by size.

    Raises:
        ValueError: a run is of another task, for which no constants were measured.
    """
    if others := {
        part.name for run in runs for part in find_task(run.task).parts
    } - set(FAMILIES):
        raise ValueError(
            f"times are estimated for {', '.join(FAMILIES)} only, not for "
            f"{', '.join(sorted(others))}; start the runs and read the time left"
        )
    schools = {language_identity(run): run for run in runs}.values()
    trainings = [run for run in runs if weights_of(run) == run]
    groups: dict[str, list[Estimate]] = {}
    for name, some, estimate in (
        ("text", schools, of_text_pretraining),
        ("training", trainings, of_training),
    ):
        for run in sorted(
            some, key=lambda run: language_parameters(run.model.language)
        ):
            groups.setdefault(
                f"{name}, N = {language_parameters(run.model.language):,}", []
            ).append(estimate(run, machine))
    return {
        name: Estimate(*(sum(column) for column in zip(*group, strict=True)))
        for name, group in groups.items()
    }


def feature_bytes(config: VLMConfig) -> int:
    """Bytes that the features of all families' images take."""
    vision = config.vision
    return (
        len(FAMILIES)
        * (TRAIN_SCENES + FAMILY_TEST_SCENES)
        * vision.patches
        * len(vision.layers)
        * vision.width
        * 2
    )


def peak_bytes(run: RunConfig) -> float:
    """Bytes of tensors at the peak of a run's training, at school or while it is tuned, whichever takes more."""
    language, size = run.model.language, parameters(run.model)
    school = TRAINED_BYTES * (
        size.embedding + size.language + size.head
    ) + 4 * run.text.batch_size * _kept(language, SAID, max(PARTS))
    sample = _kept(language, ASKED + ANSWERED, run.model.visual_tokens)
    if run.model.compressor is not None:
        vision = run.model.vision
        sample += (
            vision.patches * len(vision.layers) * vision.width
        )  # the features themselves
        sample += KEPT_BY_COMPRESSOR * _parts(run.model)[0] / vision.width
    tuning = (
        TRAINED_BYTES * (size.total - size.vision)
        + 4 * size.vision
        + 4 * run.training.tune.batch_size * sample
    )
    return max(school, tuning)


def _kept(language: LanguageConfig, text: int, visual_tokens: int) -> float:
    """Numbers that the backward pass through a language model needs of one sample: some 24 widths a token and layer."""
    return (
        paper_flops(language_parameters(language), text, visual_tokens) / language.width
    )


def _parts(config: VLMConfig) -> tuple[int, int, int]:
    """Operations of a forward pass over one sample: compressor, question, language model."""
    speak = language_flops(
        config.language, ASKED + ANSWERED + config.visual_tokens, 0
    ) + ANSWERED * head_flops(config.language)
    if config.compressor is None:
        return 0, 0, speak
    see = config.compressor.flops(config.axes)
    ask = (
        language_flops(config.language, ASKED, 0)
        if config.compressor.sees_question
        else 0
    )
    return see, ask, speak
