"""The parts of a training step, each beside the slower way it replaces."""

import pytest
import torch

from tests.performance.conftest import times_faster
from vlmcore.config import QueCCConfig, VLMConfig
from vlmcore.data import easyvqa
from vlmcore.data.samples import tokenize
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.models.language import word_tokenizer
from vlmcore.models.splicing import splice
from vlmcore.models.vision import VisionEncoder
from vlmcore.models.vlm import VLM


@pytest.fixture(scope="module")
def data():
    return easyvqa.load("test")


@pytest.fixture(scope="module")
def tokenizer(data):
    return word_tokenizer(
        [text for s in data.samples for text in (s.question, s.answer)]
    )


@pytest.fixture(scope="module")
def tokens(data, tokenizer):
    return tokenize(data.samples, tokenizer, "image_first")


@pytest.fixture(scope="module")
def encoder():
    return VisionEncoder.from_pretrained()


@pytest.fixture(scope="module")
def store(data, encoder, tmp_path_factory):
    return FeatureStore(encoder, data.images[:128], tmp_path_factory.mktemp("f"))


@pytest.fixture(scope="module")
def vlm(tokenizer):
    torch.manual_seed(0)
    config = VLMConfig(compressor=QueCCConfig(), visual_tokens=1)
    return VLM.from_config(config, tokenizer)


def bench_stored_features_beside_encoding_again(record, data, encoder, store):
    rows = torch.randperm(128, generator=torch.Generator().manual_seed(0))[:64]
    pixels = torch.from_numpy(data.images[rows])
    with torch.inference_mode():
        ratio = times_faster(lambda: store[rows], lambda: encoder(pixels))
    record("features: encoding / reading", ratio)


def bench_a_batch_beside_the_step_it_feeds(record, tokens, store, vlm):
    def make():
        batch = tokens.batch(torch.arange(32))
        return batch, store[batch.image % 128]

    batch = make()
    ratio = times_faster(make, lambda: vlm(*batch).loss.backward())
    record("batch: training step / making the batch", ratio)


def bench_logits_where_labels_are_beside_all_logits(record):
    """With the vocabulary of a real model."""
    hidden, head = torch.randn(16, 80, 64), torch.nn.Linear(64, 32_000, bias=False)
    scored = torch.zeros(16, 80, dtype=torch.bool)
    scored[:, -2:] = True
    with torch.inference_mode():
        ratio = times_faster(lambda: head(hidden[scored]), lambda: head(hidden))
    record("logits: all positions / positions with labels", ratio)


def bench_splicing_beside_the_language_model(record, tokens, vlm):
    """The visual prefix is placed by one sort and one gather, not row by row."""
    batch = tokens.batch(torch.arange(256))
    text, visual = vlm.language.embed(batch.text).detach(), torch.randn(256, 36, 64)
    spliced = splice(text, visual, batch)
    with torch.inference_mode():
        ratio = times_faster(
            lambda: splice(text, visual, batch),
            lambda: vlm.language(spliced.embeddings),
        )
    record("splice: language model / splicing", ratio)
