import math

import pytest
import torch

from tests.models.compressors import naive
from vlmcore.config import TokenPackerConfig
from vlmcore.models.compressors.region_attention import resize
from vlmcore.models.vision import VisionFeatures


def loops(packer, features, visual_tokens):
    state, result = packer.state_dict(), []
    for layers in features.layers:
        queries = [
            naive.norm(state, "query.1", naive.linear(state, "query.0", x))
            for x in naive.bilinear(layers[:, -1], math.isqrt(visual_tokens))
        ]
        tokens = []
        for query, cell in zip(queries, naive.cells(6, visual_tokens), strict=True):
            keys, values = (
                [naive.normed_mlp(state, name, layers[i].reshape(-1)) for i in cell]
                for name in ("key", "value")
            )
            tokens.append(
                naive.mlp(
                    state,
                    "projection",
                    naive.attend(state, "attention", query, keys, values, heads=2),
                )
            )
        result.append(torch.stack(tokens))
    return torch.stack(result)


@pytest.mark.parametrize("visual_tokens", [1, 4, 9])
def test_equals_the_formulas_written_with_loops(build, precision, visual_tokens):
    dtype, tolerance = precision
    packer, features, _ = build(TokenPackerConfig(heads=2), visual_tokens, dtype)
    with torch.no_grad():
        ours, expected = packer(features), loops(packer, features, visual_tokens)
    assert ours.shape == (3, visual_tokens, 24)
    assert (ours - expected).abs().max() < tolerance * expected.abs().max()


def test_a_single_query_is_the_mean_of_the_four_patches_in_the_centre(build):
    _, features, _ = build(TokenPackerConfig(heads=2), 1)
    torch.testing.assert_close(
        resize(features.patches, 1)[:, 0], features.patches[:, [14, 15, 20, 21]].mean(1)
    )


def test_attention_weights_are_shares_of_the_region(build):
    packer, features, _ = build(TokenPackerConfig(heads=2), 4)
    _, weights = packer.attend(features)
    assert weights.shape == (3, 4, 9)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 4, dtype=torch.float64))


def test_low_layers_are_looked_at_too(build):
    packer, features, _ = build(TokenPackerConfig(heads=2), 4)
    layers = features.layers.clone()
    layers[:, :, 0] += torch.randn(3, 36, 16, dtype=torch.float64)
    assert (packer(VisionFeatures(layers)) - packer(features)).abs().max() > 1e-3
