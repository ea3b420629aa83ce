"""Any value at every entrance ends in an answer or a sentence, never a raw error."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.conftest import SAMPLES, TINY_LANGUAGE
from vlmcore import (
    VLM,
    LanguageModel,
    VisionEncoder,
    VLMConfig,
    VLMModule,
    VQADataModule,
    evaluate,
    fit,
)
from vlmcore.config import VisionConfig, from_dict
from vlmcore.data.samples import tokenize
from vlmcore.evaluation import metrics
from vlmcore.training import StageConfig, TrainingConfig

PHOTO = Image.new("RGB", (40, 30), (200, 30, 30))
ANYTHING = [
    *(None, 5, -1, 0, 2.5, True, "x", "", b"x", [], [1], ["a"], [None], {}, {"a": 1}),
    *((), object(), {1}, float("nan"), int, [[1]], Path("x"), lambda: 1),
    *(np.array(3), np.zeros((2, 2)), np.array(["a"]), torch.tensor(1.0)),
]
TAKERS = {
    "images": lambda w, x: w.vlm.ask(x, "what?", 1),
    "questions": lambda w, x: w.vlm.ask(PHOTO, x, 1),
    "max_new_tokens": lambda w, x: w.vlm.ask(PHOTO, "what?", x),
    "batch": lambda w, x: w.vlm(x, PHOTO),
    "features": lambda w, x: w.vlm.compressor(x),
    "visual_tokens": lambda w, x: w.vlm(w.batch, w.images[[0] * 4], x),
    "samples": lambda w, x: tokenize(x, w.tokenizer, "image_first"),
    "image of a sample": lambda w, x: tokenize(
        [SAMPLES[0]._replace(image=x)], w.tokenizer, "image_first"
    ),
    "rows": lambda w, x: w.tokens.batch(x),
    "tokenizer": lambda w, x: LanguageModel.from_config(TINY_LANGUAGE, x),
    "model": lambda w, x: LanguageModel(x, w.tokenizer),
    "embeddings": lambda w, x: w.vlm.language.generate(x, torch.tensor([2])),
    "VLM folder": lambda w, x: VLM.from_pretrained(x),
    "encoder folder": lambda w, x: VisionEncoder.from_pretrained(x),
    "language folder": lambda w, x: LanguageModel.from_pretrained(x),
    "layers": lambda w, x: VisionConfig(layers=x),
    "V": lambda w, x: VLMConfig(visual_tokens=x),
    "compressor": lambda w, x: VLMConfig(compressor=x),
    "config": lambda w, x: VLM.from_config(x, w.tokenizer),
    "fields": lambda w, x: from_dict(VLMConfig, x),
    "name of fields": lambda w, x: from_dict(VLMConfig, {"compressor": {"name": x}}),
    "steps": lambda w, x: StageConfig(x, 0.1),
    "learning rate": lambda w, x: StageConfig(1, x),
    "stage": lambda w, x: VLMModule(w.vlm, StageConfig(1, 0.1), stage=x),
    "data": lambda w, x: VQADataModule(x, StageConfig(1, 0.1)),
    "vlm of fit": lambda w, x: fit(x, [], TrainingConfig(), w.folder),
    "benchmark": lambda w, x: evaluate(w.vlm, x, w.folder / "a"),
    "preds": lambda w, x: metrics.GQA().update(x, ["a"]),
    "target": lambda w, x: metrics.ExactMatch().update(["a"], x),
    "kinds": lambda w, x: metrics.POPE().update(["a"], ["yes"], x),
    "choices": lambda w, x: metrics.GQA().update(["a"], ["a"], None, x),
}


@pytest.mark.parametrize("taker", TAKERS)
def test_nothing_ends_in_a_raw_error(world, taker):
    for value in ANYTHING:
        # not an AttributeError, KeyError, TypeError or IndexError
        with suppress(ValueError, FileNotFoundError):
            TAKERS[taker](world, value)
