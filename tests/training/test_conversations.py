"""Conversations train a model; where there is no image, there is no visual token."""

import json

import pytest
import torch
import torch.nn.functional as F
from lightning import Trainer
from PIL import Image

from tests.data.test_conversations import record
from vlmcore.config import PoolConfig, QueCCConfig
from vlmcore.data.chat import IMAGE, NO_IMAGE
from vlmcore.data.conversations import Conversations
from vlmcore.data.samples import IGNORE
from vlmcore.training import StageConfig, VLMModule, VQADataModule
from vlmcore.training.conversations import ConversationData
from vlmcore.training.steps import Part

RECORDS = [
    record(f"{IMAGE}\nwhat colour?", "red", "is there red?", "yes", image="0.png"),
    record("is there a circle?", "no"),
    record(f"what colour?\n{IMAGE}", "blue circle", image="1.png"),
    record("what?", "red circle", "is there?", "no"),
] * 3


@pytest.fixture
def conversations(tmp_path):
    for number in range(2):
        colour = (90 * number, 10, 200)
        Image.new("RGB", (30, 20 + number), colour).save(tmp_path / f"{number}.png")
    (tmp_path / "mix.json").write_text(json.dumps(RECORDS))
    return Conversations(tmp_path / "mix.json", tmp_path)


@pytest.mark.parametrize("compressor", [QueCCConfig(heads=2), PoolConfig()], ids=str)
@torch.no_grad()
def test_a_text_is_read_without_the_image(make_vlm, conversations, compressor):
    vlm = make_vlm(compressor, 4)
    data = ConversationData(conversations, vlm)
    batch = data.batch(torch.arange(4))
    samples = batch.samples
    assert (samples.image_at == NO_IMAGE).tolist() == [False, True, False, True]
    assert batch.images.dtype == torch.uint8
    whole = vlm(samples, batch.images)
    losses, counts = [], []
    for row in range(4):
        one = data.batch(torch.tensor([row]))
        if row % 2:
            text, labels = one.samples.text, one.samples.labels
            scores = vlm.language.logits(vlm.language(vlm.language.embed(text)))
            losses.append(F.cross_entropy(scores[0, :-1], labels[0, 1:]))
        else:
            losses.append(vlm(one.samples, one.images).loss)
        counts.append((one.samples.labels != IGNORE).sum())
    mean = sum(x * n for x, n in zip(losses, counts, strict=True)) / sum(counts)
    torch.testing.assert_close(whole.loss, mean)


def test_only_answers_are_scored(make_vlm, conversations):
    vlm = make_vlm(PoolConfig(), 4)
    samples = ConversationData(conversations, vlm).batch(torch.tensor([0])).samples
    scored = samples.labels[samples.labels != IGNORE]
    assert vlm.language.tokenizer.decode(scored) == "red </s> yes </s>"


def test_parts_of_a_batch_have_its_loss(make_vlm, conversations):
    vlm = make_vlm(PoolConfig(), 4)
    data, rows = ConversationData(conversations, vlm), torch.tensor([0, 1, 2])
    with torch.no_grad():
        whole = vlm(*data.batch(rows)[1:3]).loss
        parts = [data.part(rows, Part(number, 4)) for number in range(4)]
        losses = [p.weight * vlm(*p.content[1:3]).loss for p in parts]
    torch.testing.assert_close(sum(losses) / 4, whole)
    assert parts[3].weight == 0


def test_a_conversation_cut_off_before_its_answer_weighs_nothing(
    make_vlm, conversations
):
    vlm = make_vlm(PoolConfig(), 4)
    data, rows = ConversationData(conversations, vlm, longest=38), torch.tensor([0, 1])
    with torch.no_grad(), pytest.raises(ValueError, match="no token of the batch"):
        vlm(*data.batch(rows[1:])[1:3])
    first, second = (data.part(rows, Part(number, 2)) for number in range(2))
    assert (first.weight, second.weight) == (2, 0)
    with torch.no_grad():
        assert vlm(*second.content[1:3]).loss.isfinite()


def test_a_first_token_that_follows_nothing_is_not_counted(make_vlm, conversations):
    """As a caption without an image has one."""
    data = ConversationData(conversations, make_vlm(PoolConfig(), 4), "plain")
    parts = [data.part(torch.tensor([3, 2]), Part(number, 2)) for number in range(2)]
    assert [part.weight for part in parts] == [1, 1]  # of 3 - 1 and 2 tokens


def train(make_vlm, conversations, workers):
    vlm = make_vlm(QueCCConfig(heads=2), 4)
    stage = StageConfig(steps=3, learning_rate=1e-2, batch_size=4)
    data = ConversationData(conversations, vlm)
    trainer = Trainer(
        max_epochs=-1,
        max_steps=3,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
    )
    trainer.fit(VLMModule(vlm, stage), VQADataModule(data, stage, workers=workers))
    return vlm.state_dict()


def test_loader_processes_change_nothing(make_vlm, conversations):
    alone, shared = (train(make_vlm, conversations, workers) for workers in (0, 2))
    start = make_vlm(QueCCConfig(heads=2), 4).state_dict()
    assert all(torch.equal(x, shared[name]) for name, x in alone.items())
    name = "compressor.projection.0.weight"
    assert not torch.equal(start[name], alone[name])
