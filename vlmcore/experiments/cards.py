"""Time and memory of training on the GPUs of Colab, estimated until it is measured.

A card is described by its data sheet. It is assumed to reach the same share of its peak
as the H100 that was measured (`estimate.GPU`), and to wait as long for each kernel: a
miniature mostly waits, so its time hardly depends on the card, and is longer on a
slower host. What is not training (features, answers, figures) is not counted.
"""

from collections.abc import Sequence
from typing import NamedTuple

from vlmcore.cost import head_flops, language_flops, parameters, vision_flops
from vlmcore.experiments.estimate import (
    ANSWER_LENGTH,
    GPU,
    TRAINED_BYTES,
    Machine,
    of_text_pretraining,
    of_training,
    peak_bytes,
)
from vlmcore.experiments.run_config import RunConfig, language_identity, weights_of

H100_PEAK = 67e12
"""FLOP/s of the card of `estimate.GPU` in single precision, by its data sheet."""
CHAT_TOKENS = 50
"""Text tokens of a short question in the prompt template of a chat model."""
HALF_BYTES, KEPT_WIDTHS = 2, 24
"""Bytes of a number in half precision; numbers that the backward pass keeps of a token
in each layer, in widths of the model (`estimate.peak_bytes`)."""


class Card(NamedTuple):
    """A GPU, by its data sheet."""

    name: str
    single: float
    """FLOP/s in single precision."""
    half: float
    """FLOP/s in the 16-bit type of `models.precision`, on tensor cores."""
    gigabytes: int
    """Its memory."""

    def machine(self, peak: float) -> Machine:
        """The card at its share of a peak."""
        rate = peak * GPU.flops_per_second / H100_PEAK
        return GPU._replace(name=self.name, flops_per_second=rate)


CARDS = (Card("a T4", 8.1e12, 65e12, 16), Card("an A100", 19.5e12, 312e12, 40))


class Training(NamedTuple):
    """The cost of training some runs on a card."""

    minutes: float
    gigabytes: float
    """Of tensors, at their peak."""


def on_card(runs: Sequence[RunConfig], card: Card) -> Training:
    """The training of runs, one after another, on a card.

    Weights and language models that several runs share are trained once.
    """
    trained = {weights_of(run) for run in runs}
    texts = {language_identity(run): run for run in runs if run.pretrained is None}
    machine = card.machine(card.single)
    seconds = [_seconds(run, card) for run in trained]
    seconds += [of_text_pretraining(run, machine).seconds for run in texts.values()]
    return Training(sum(seconds) / 60, max(map(_bytes, trained)) / 1e9)


def describe_cards(runs: Sequence[RunConfig]) -> str:
    """The training of runs on each of the `CARDS`, in a sentence for a chapter."""
    parts = []
    for card in CARDS:
        minutes, gigabytes = on_card(runs, card)
        parts.append(
            f"{minutes:.1f} minutes and {gigabytes:.1f} of {card.gigabytes} GB "
            f"on {card.name}"
        )
    return f"GPU, estimated, not measured: training takes {'; '.join(parts)}"


def _seconds(run: RunConfig, card: Card) -> float:
    """Seconds of both stages of a run; a pretrained model computes in half precision.

    Its encoder sees each image again in each step, and behind LoRA no gradient of its
    weights is computed: two passes instead of three.
    """
    if run.pretrained is None:
        return of_training(run, card.machine(card.single)).seconds
    model, stages, machine = run.model, run.training, card.machine(card.half)
    language, vision, compressor = model.language, model.vision, model.compressor
    assert compressor is not None
    asked = language_flops(language, CHAT_TOKENS, 0) * compressor.sees_question
    image = vision_flops(vision) + 3 * compressor.flops(model.axes) + asked
    tokens = CHAT_TOKENS + model.visual_tokens + ANSWER_LENGTH
    answer = language_flops(language, tokens, 0) + ANSWER_LENGTH * head_flops(language)
    passes = 3 if stages.lora is None else 2
    # a layer that has no backward pass waits a third as long
    first = (vision.depth + language.depth * compressor.sees_question) / 3
    return sum(
        machine.seconds(stage.steps, layers, stage.steps * stage.batch_size * flops)
        for stage, layers, flops in (
            (stages.align, first, image),
            (stages.tune, first + language.depth, image + passes * answer),
        )
    )


def _bytes(run: RunConfig) -> float:
    """Bytes of tensors at the peak of a run."""
    if run.pretrained is None:
        return peak_bytes(run)
    model, size = run.model, parameters(run.model)
    frozen = size.vision + size.embedding + size.language + size.head
    trained = size.compressor + size.projection
    tokens = CHAT_TOKENS + model.visual_tokens + ANSWER_LENGTH
    kept = KEPT_WIDTHS * model.language.depth * model.language.width * tokens
    batch = run.training.tune.batch_size
    features = model.vision.patches * len(model.vision.layers) * model.vision.width
    return (
        HALF_BYTES * (frozen + batch * kept)
        + TRAINED_BYTES * trained
        + 4 * batch * features
    )
