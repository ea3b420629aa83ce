import pytest
import torch

from tests.models.compressors import naive
from vlmcore.config import PoolConfig
from vlmcore.models.vision import VisionFeatures


@pytest.mark.parametrize("visual_tokens", [1, 4, 9, 36])
def test_equals_the_formulas_written_with_loops(build, precision, visual_tokens):
    dtype, tolerance = precision
    pool, features, _ = build(PoolConfig(), visual_tokens, dtype)
    with torch.no_grad():
        ours, state = pool(features), pool.state_dict()
        means = [
            [
                naive.mean([image[i, -1] for i in cell])
                for cell in naive.cells(6, visual_tokens)
            ]
            for image in features.layers
        ]
        loops = torch.stack(
            [
                torch.stack([naive.mlp(state, "projection", x) for x in image])
                for image in means
            ]
        )
    assert (ours - loops).abs().max() < tolerance * loops.abs().max()


def test_the_earlier_layers_are_not_looked_at(build):
    pool, features, _ = build(PoolConfig(), 4)
    layers = features.layers.clone()
    layers[:, :, 0] += 1
    assert torch.equal(pool(features), pool(VisionFeatures(layers), visual_tokens=4))


def test_an_impossible_v_lists_the_possible_ones(build):
    with pytest.raises(ValueError, match="1, 4, 9, 36"):
        build(PoolConfig(), 5)
