"""A tiny vision-language model of the true classes, and samples for it."""

import os
import shutil
from types import SimpleNamespace

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import pytest
import torch

from vlmcore.config import (
    CompressorConfig,
    LanguageConfig,
    M3Config,
    MLPConfig,
    MQTConfig,
    PoolConfig,
    PruMergeConfig,
    QueCCConfig,
    TokenPackerConfig,
    VisionConfig,
    VLMConfig,
)
from vlmcore.data.samples import Sample, tokenize
from vlmcore.models.language import word_tokenizer
from vlmcore.models.vlm import VLM

torch.set_num_threads(2)

TINY_VISION = VisionConfig(
    image_size=24, patch_size=4, width=16, depth=3, heads=2, mlp_width=32, layers=(1, 2)
)
TINY_LANGUAGE = LanguageConfig(vocab_size=16, width=24, depth=2, heads=2, mlp_width=40)
SAMPLES = [
    Sample(0, "what colour?", "red", "colour", 8),
    Sample(1, "is there a red circle?", "yes", "yes/no", 2),
    Sample(2, "what?", "blue circle", "shape", 3),
    Sample(1, "is there red?", "no", "yes/no", 2),
]


@pytest.fixture(scope="session")
def tokenizer():
    return word_tokenizer(
        [*(s.question for s in SAMPLES), *(s.answer for s in SAMPLES)]
    )


@pytest.fixture
def make_vlm(tokenizer):
    """Builds a tiny VLM: `make_vlm(QueCCConfig(heads=2), 4)`.

    `make_vlm(None, 0)` is blind.
    """

    def make(
        compressor: CompressorConfig | None = QueCCConfig(heads=2),
        visual_tokens: int = 4,
        order: str = "image_first",
        seed: int = 0,
    ) -> VLM:
        torch.manual_seed(seed)
        language = LanguageConfig(
            **{**vars(TINY_LANGUAGE), "vocab_size": len(tokenizer)}
        )
        return VLM.from_config(
            VLMConfig(language, visual_tokens, compressor, TINY_VISION, order),
            tokenizer,
        ).eval()

    return make


@pytest.fixture(params=["image_first", "question_first"])
def order(request):
    return request.param


MODELS = [
    (None, 0),
    (MLPConfig(), 36),
    (PoolConfig(), 1),
    (PoolConfig(), 36),
    (M3Config(), 4),
    (MQTConfig(queries=9, heads=2), 5),
    (TokenPackerConfig(heads=2), 4),
    (QueCCConfig(heads=2), 1),
    (QueCCConfig(heads=2), 4),
    (QueCCConfig(heads=2, inject_question=False), 4),
    (PruMergeConfig(neighbours=5), 3),
]


@pytest.fixture(params=MODELS, ids=str)
def model(request):
    return request.param


@pytest.fixture
def images():
    return torch.from_numpy(
        np.random.default_rng(0).integers(0, 256, (3, 3, 24, 24), dtype=np.uint8)
    )


@pytest.fixture
def batch(tokenizer):
    """All samples in one batch, image first."""
    return tokenize(SAMPLES, tokenizer, "image_first").batch(torch.arange(len(SAMPLES)))


@pytest.fixture
def world(make_vlm, tokenizer, images, batch, tmp_path):
    """The world of the rows: a tiny model, samples, images and an empty folder."""
    return SimpleNamespace(
        vlm=make_vlm(),
        make=make_vlm,
        tokenizer=tokenizer,
        images=images,
        batch=batch,
        asked=tokenize(SAMPLES, tokenizer, "image_first", answers=False),
        tokens=tokenize(SAMPLES, tokenizer, "image_first"),
        folder=tmp_path,
    )


CHROMIUM_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)


@pytest.fixture(scope="module")
def browser():
    """Chromium, driven by playwright; tests that ask for it are skipped without.

    It closes with its module: while it is open, no other event loop can run.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("Chromium is not installed")
    with pytest.importorskip("playwright.sync_api").sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=path, args=CHROMIUM_FLAGS.split()
        )
        yield opened
        opened.close()
