import numpy as np
import torch

from tests.conftest import SAMPLES
from vlmcore.data.samples import tokenize
from vlmcore.models.feature_cache import FeatureStore, LiveFeatures
from vlmcore.training import TrainingConfig, TrainingData, fit
from vlmcore.training.trainer import StageConfig


def test_live_features_are_those_that_would_be_stored(make_vlm, images, tmp_path):
    """Up to the half precision of what is stored; in any order of the rows."""
    encoder, pixels = make_vlm().vision, (255 * images).byte().numpy()
    stored, live = (
        FeatureStore(encoder, pixels, tmp_path, attention=True),
        LiveFeatures(encoder, pixels, attention=True),
    )
    rows = torch.tensor([2, 0, 2])
    assert len(live) == len(stored) == 3
    for one, other in zip(stored[rows], live[rows], strict=True):
        assert torch.allclose(one, other, atol=5e-3) and not other.requires_grad


def test_a_model_trains_on_live_features(make_vlm, images, tokenizer, tmp_path):
    """To nearly the same weights as on stored ones."""
    pixels, tokens, stage = (
        (255 * images).byte().numpy(),
        tokenize(SAMPLES, tokenizer, "image_first"),
        StageConfig(3, 1e-2, 2),
    )
    weights = []
    for name, features in {
        "stored": FeatureStore(make_vlm().vision, pixels, tmp_path),
        "live": LiveFeatures(make_vlm().vision, pixels),
    }.items():
        vlm = fit(
            make_vlm(),
            TrainingData(tokens, features),
            TrainingConfig(stage, stage),
            tmp_path / name,
            progress=False,
            accelerator="cpu",
        )
        weights.append(
            np.concatenate(
                [x.detach().flatten().numpy() for x in vlm.compressor.parameters()]
            )
        )
    start = np.concatenate(
        [x.detach().flatten().numpy() for x in make_vlm().compressor.parameters()]
    )
    assert (
        np.abs(weights[0] - weights[1]).max() < 0.1 * np.abs(weights[0] - start).max()
    )
