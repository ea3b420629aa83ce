"""Speed as ratios within one run, because the machine is noisy and the ratio is not."""

import time

import numpy as np
import pytest
import torch

from vlmcore.config import QueCCConfig, VLMConfig
from vlmcore.data import easyvqa
from vlmcore.data.samples import Batch, tokenize
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.models.language import word_tokenizer
from vlmcore.models.vision import VisionEncoder
from vlmcore.models.vlm import VLM, splice

pytestmark = pytest.mark.slow


def median(call, times=7):
    call()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    data = easyvqa.load("test")
    tokenizer = word_tokenizer(
        [text for s in data.samples for text in (s.question, s.answer)]
    )
    encoder = VisionEncoder.from_pretrained()
    torch.manual_seed(0)
    vlm = VLM.from_config(
        VLMConfig(compressor=QueCCConfig(), visual_tokens=1), tokenizer
    )
    return (
        data,
        tokenize(data.samples, tokenizer, "image_first"),
        encoder,
        FeatureStore(encoder, data.images[:128], tmp_path_factory.mktemp("f")),
        vlm,
    )


def test_reading_features_is_ten_times_faster_than_seeing_again(setting):
    data, _, encoder, store, _ = setting
    rows = torch.randperm(128, generator=torch.Generator().manual_seed(0))[:64]
    pixels = torch.from_numpy(data.images[rows])
    with torch.inference_mode():
        assert 10 * median(lambda: store[rows]) < median(lambda: encoder(pixels))


def test_making_a_batch_costs_under_a_tenth_of_the_step_it_feeds(setting):
    _, tokens, _, store, vlm = setting
    rows = torch.arange(32)

    def make():
        batch = tokens.batch(rows)
        return batch, store[batch.image % 128]

    batch = make()
    assert 10 * median(make) < median(lambda: vlm(*batch).loss.backward())


def test_logits_only_where_labels_are_pays(setting):
    """With the vocabulary of a real model, the head over all positions would cost several times more than it does."""
    hidden, head = torch.randn(16, 80, 64), torch.nn.Linear(64, 32_000, bias=False)
    scored = torch.zeros(16, 80, dtype=torch.bool)
    scored[:, -2:] = True
    with torch.inference_mode():
        assert 5 * median(lambda: head(hidden[scored])) < median(lambda: head(hidden))


def test_placing_costs_little_beside_reading(setting):
    """The gap is opened by one sort and one gather, not by a loop over rows."""
    _, tokens, _, _, vlm = setting
    batch: Batch = tokens.batch(torch.arange(256))
    text, visual = vlm.language.embed(batch.text).detach(), torch.randn(256, 36, 64)
    placed = splice(text, visual, batch)
    with torch.inference_mode():
        assert 5 * median(lambda: splice(text, visual, batch)) < median(
            lambda: vlm.language(placed.embeddings)
        )
