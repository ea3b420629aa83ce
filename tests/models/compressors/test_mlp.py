import pytest
import torch

from tests.models.compressors import naive
from vlmcore.config import MLPConfig, VLMConfig


def test_equals_the_formulas_written_with_loops(build, precision):
    dtype, tolerance = precision
    mlp, features, _ = build(MLPConfig(), 36, dtype)
    with torch.no_grad():
        ours, state = mlp(features), mlp.state_dict()
        loops = torch.stack(
            [
                torch.stack([naive.mlp(state, "projection", x) for x in image])
                for image in features.layers[:, :, -1]
            ]
        )
    assert ours.shape == (3, 36, 24)
    assert (ours - loops).abs().max() < tolerance * loops.abs().max()


def test_it_does_not_compress():
    assert VLMConfig(compressor=MLPConfig(), visual_tokens=144).visual_tokens == 144
    with pytest.raises(ValueError, match="choose visual_tokens from 144"):
        VLMConfig(compressor=MLPConfig(), visual_tokens=36)
