import pytest
import torch

from vlmcore.compressors.pool import Pool
from vlmcore.config import PoolConfig, VisionConfig
from vlmcore.vision import VisionFeatures

VISION = VisionConfig(image_size=24, patch_size=4, width=16, depth=3, heads=2, mlp_width=32, layers=(1, 2))


@pytest.mark.parametrize("visual_tokens", [1, 4, 9, 36])
def test_is_the_projected_mean_of_each_cell(visual_tokens):
    pool = Pool(PoolConfig(), VISION, 24, visual_tokens).double()
    features = VisionFeatures(torch.randn(2, 36, 2, 16, dtype=torch.float64))
    side = int(visual_tokens**0.5)
    k = 6 // side
    cells = [
        torch.stack([features.layers[:, (gy * k + y) * 6 + gx * k + x, -1] for y in range(k) for x in range(k)]).mean(0)
        for gy in range(side)
        for gx in range(side)
    ]
    torch.testing.assert_close(pool(features), pool.projection(torch.stack(cells, 1)))


def test_the_question_and_the_earlier_layers_are_not_looked_at():
    pool = Pool(PoolConfig(), VISION, 24, 4)
    features = VisionFeatures(torch.randn(2, 36, 2, 16))
    layers = features.layers.clone()
    layers[:, :, 0] += 1
    assert torch.equal(pool(features), pool(VisionFeatures(layers), torch.randn(2, 24), visual_tokens=4))


def test_an_impossible_v_lists_the_possible_ones():
    with pytest.raises(ValueError, match="1, 4, 9, 36"):
        Pool(PoolConfig(), VISION, 24, 5)
