"""Shared by the training tests: a tiny data set and short stages."""

from typing import NamedTuple

import pytest
import torch

from tests.conftest import SAMPLES
from vlmcore.config import replace
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
