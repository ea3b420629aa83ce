"""Shared by the training tests: a tiny data set and short stages."""

import json
from typing import NamedTuple

import pytest
import torch
from PIL import Image

from tests.conftest import SAMPLES
from tests.data.test_conversations import record
from vlmcore.config import QueCCConfig, replace
from vlmcore.data.chat import IMAGE
from vlmcore.data.samples import tokenize
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.training import StageConfig, TrainingConfig, TrainingData

QUIET = {"progress": False, "accelerator": "cpu"}
SHORT = TrainingConfig(StageConfig(6, 1e-2, 3), StageConfig(8, 1e-2, 3), seed=3)
ALIGN_ONLY = replace(SHORT, tune=StageConfig(0, 1e-2, 3))


@pytest.fixture
def data(make_vlm, images, tokenizer, tmp_path):
    return TrainingData(
        tokenize(SAMPLES, tokenizer, "image_first"),
        FeatureStore(make_vlm().vision, images.numpy(), tmp_path / "features"),
    )


def weights(module):
    return {name: x.detach().clone() for name, x in module.named_parameters()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def moved(before, after):
    """The parts of a model whose weights differ."""
    return {x.split(".")[0] for x in before if not torch.equal(before[x], after[x])}


class StopError(Exception):
    """An interruption."""


class Calls(NamedTuple):
    """The calls of one method of a model."""

    seen: list

    @classmethod
    def of(cls, vlm, method="forward", stop=None):
        """Records the arguments of each call; the call with number `stop` raises."""
        seen, original = [], getattr(vlm, method)

        def call(*args, **options):
            if len(seen) == stop:
                raise StopError
            seen.append(args)
            return original(*args, **options)

        setattr(vlm, method, call)
        return cls(seen)


FILE = """\
recipe = "quecc-qwen2.5-0.5b"
vision = "{folder}/vision"
language = "{folder}/language"
seed = 1
[model]
visual_tokens = 4
compressor = {{ name = "quecc", heads = 2 }}
[align]
data = "{folder}/captions.json"
images = "{folder}"
batch_size = 4
epochs = 2
[tune]
data = "{folder}/mix.json"
images = "{folder}"
template = "vicuna_v1"
batch_size = 4
epochs = 2
learning_rate = 1e-3
compressor_learning_rate = 1e-2
[hardware]
device = "cpu"
devices = 1
precision = "32-true"
micro_batch = 2
workers = 0
"""
RECORDS = [
    record(f"{IMAGE}\nwhat colour?", "red", "is there red?", "yes", image="0.png"),
    record("is there a circle?", "no"),
    record(f"what colour?\n{IMAGE}", "blue circle", image="1.png"),
    record("what?", "red circle", "is there?", "no"),
] * 4


@pytest.fixture
def recipe_file(make_vlm, tmp_path):
    vlm = make_vlm(QueCCConfig(heads=2), 4)
    vlm.vision.save_pretrained(tmp_path / "vision")
    vlm.language.save_pretrained(tmp_path / "language")
    for number in range(2):
        colour = (90 * number, 10, 200)
        Image.new("RGB", (30, 20 + number), colour).save(tmp_path / f"{number}.png")
    captions = [RECORDS[0], RECORDS[2]] * 8
    (tmp_path / "captions.json").write_text(json.dumps(captions))
    (tmp_path / "mix.json").write_text(json.dumps(RECORDS))
    path = tmp_path / "recipe.toml"
    path.write_text(FILE.format(folder=tmp_path))
    return path
