"""Promises of the training recipe, as checks that a test or a mutation test calls.

Each check takes a `Lab`, looks at a short run of both stages or at what it builds, and
raises AssertionError where the promise is broken.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from lightning.pytorch import Callback

from tests.conftest import SAMPLES
from tests.training.conftest import QUIET, moved, weights
from vlmcore.config import MQTConfig, QueCCConfig
from vlmcore.data import samples
from vlmcore.models import vlm as models
from vlmcore.training import StageConfig, TrainingConfig, TrainingData, fit, module

CONFIG = TrainingConfig(
    StageConfig(3, 1e-2, 3), StageConfig(8, 1e-2, 3, warmup=0.25), seed=3
)
QUERIES = 9


class Step(NamedTuple):
    """The effect of one optimiser step."""

    stage: str
    rate: float
    decay: float
    before: float
    """Norm of the gradient before it is clipped, and after."""
    after: float
    optimised: set
    """Parts of the model of which the optimiser has parameters."""
    dropout: set
    """Parts of the model in training mode."""
    visual_tokens: int
    weights: dict


class Recorder(Callback):
    """Records each optimiser step."""

    def __init__(self):
        self.steps = []

    def on_before_optimizer_step(self, trainer, stage, optimizer):
        self.group = dict(optimizer.param_groups[0])
        self.before = norm(self.group["params"])

    def on_train_batch_end(self, trainer, stage, *_):
        group, parts = self.group, list(stage.model.named_children())
        optimised = {id(x) for x in group["params"]}
        self.steps.append(
            Step(
                stage.stage,
                group["lr"],
                group["weight_decay"],
                self.before,
                norm(group["params"]),
                {n for n, p in parts if optimised & {id(x) for x in p.parameters()}},
                {n for n, p in parts if any(m.training for m in p.modules())},
                stage.model.visual_tokens_seen,
                weights(stage.model),
            )
        )


def norm(parameters):
    gradients = [x.grad.norm() for x in parameters if x.grad is not None]
    return torch.stack(gradients).norm().item()


class Lab(NamedTuple):
    """The parts that a check may build from."""

    make_vlm: object
    tokenizer: object
    images: torch.Tensor
    folder: object

    def train(self):
        """The steps of a run of both stages, and the weights at its start."""
        vlm, recorder = self.make_vlm(MQTConfig(QUERIES, 2), 4), Recorder()
        vlm.language.model.get_input_embeddings().weight.data *= 50  # large gradients
        compress = vlm.compress

        def watch(*args):
            visual = compress(*args)
            vlm.visual_tokens_seen = visual.shape[1]
            return visual

        vlm.compress, start = watch, weights(vlm)
        tokens = samples.tokenize(SAMPLES, self.tokenizer, "image_first")
        data = TrainingData(tokens, self.images)
        fit(vlm, data, CONFIG, self.folder, callbacks=[recorder], **QUIET)
        return start, recorder.steps


def of_stage(lab, name):
    return [step for step in lab.train()[1] if step.stage == name]


def check_warmup(lab):
    rates = [step.rate for step in of_stage(lab, "tune")]
    assert rates[:3] == [0, 0.5e-2, 1e-2], "a quarter of eight steps warms up"


def check_schedule(lab):
    rates = [step.rate for step in of_stage(lab, "tune")]
    cosine = [0.5e-2 * (1 + math.cos(math.pi * step / 6)) for step in range(6)]
    np.testing.assert_allclose(rates[2:], cosine)


def check_no_weight_decay(lab):
    assert {step.decay for step in lab.train()[1]} == {0}


def check_clipping(lab):
    steps = lab.train()[1]
    assert max(step.before for step in steps) > 1, "there is something to clip"
    assert max(step.after for step in steps) < 1 + 1e-4


def check_frozen_encoder(lab):
    start, steps = lab.train()
    assert all("vision" not in step.optimised for step in steps)
    assert "vision" not in moved(start, steps[-1].weights)


def check_trained_parts(lab):
    start, steps = lab.train()
    aligned = [step for step in steps if step.stage == "align"][-1].weights
    assert moved(start, aligned) == {"compressor"}
    assert moved(aligned, steps[-1].weights) == {"compressor", "language"}


def check_dropout_off(lab):
    for step in lab.train()[1]:
        trained = (
            {"compressor"} if step.stage == "align" else {"compressor", "language"}
        )
        assert step.dropout == trained


def check_visual_tokens(lab):
    seen = [step.visual_tokens for step in lab.train()[1]]
    assert seen[:3] == [QUERIES] * 3, "stage 1 trains on all queries"
    drawn = [np.random.default_rng((3, 1, step, 1)) for step in range(8)]
    assert seen[3:] == [2 * rng.integers(1, QUERIES // 2 + 1) for rng in drawn]


def check_labels(lab):
    """The loss is that of each answer token after those before it, no other."""
    vlm = lab.make_vlm(QueCCConfig(heads=2), 4)
    tokens = samples.tokenize(SAMPLES, lab.tokenizer, "image_first")
    data, losses = TrainingData(tokens, lab.images), []
    with torch.no_grad():
        loss = module.vlm_loss(vlm, data.batch(torch.arange(len(SAMPLES))))
        for row in range(len(SAMPLES)):
            batch = data.batch(torch.tensor([row]))
            visual = vlm.compress(vlm.encode_images(batch.images), batch.samples)[0]
            text = batch.samples.text[0]
            answer = lab.tokenizer(SAMPLES[row].answer)["input_ids"]
            answer = [*answer, lab.tokenizer.eos_token_id]
            words = vlm.language.embed(text)
            inputs = torch.cat([words[:1], visual, words[1:]])[None]
            logits = vlm.language.logits(vlm.language(inputs, 0))[0].log_softmax(-1)
            first = inputs.shape[1] - len(answer)
            losses += [-logits[first + i - 1, word] for i, word in enumerate(answer)]
    torch.testing.assert_close(loss, torch.stack(losses).mean())


def check_question(lab):
    """A question-aware compressor writes other tokens for another question."""
    vlm = lab.make_vlm(QueCCConfig(heads=2), 4)
    tokens = samples.tokenize(SAMPLES, lab.tokenizer, "image_first")
    batch = TrainingData(tokens, lab.images).batch(torch.tensor([1, 3]))
    assert batch.samples.image.tolist() == [1, 1], "two questions about one image"
    with torch.no_grad():
        one, other = vlm.compress(vlm.encode_images(batch.images), batch.samples)
    assert (one - other).abs().max() > 1e-3


def check_order(lab):
    """The visual prefix stands before the question, or between it and the answer."""
    for order in ("image_first", "question_first"):
        vlm = lab.make_vlm(QueCCConfig(heads=2), 4, order)
        batch = samples.tokenize(SAMPLES, lab.tokenizer, vlm.config.order).batch(
            torch.arange(len(SAMPLES))
        )
        marks = torch.full((len(SAMPLES), 4, 24), 7.0)
        placed = models.splice(vlm.language.embed(batch.text), marks, batch)
        for row, sample in enumerate(SAMPLES):
            question = len(lab.tokenizer(sample.question)["input_ids"])
            first = 1 if order == "image_first" else 1 + question
            here = (placed.embeddings[row] == 7).all(-1).nonzero().flatten()
            assert here.tolist() == list(range(first, first + 4))
