import math

import numpy as np
import pytest
import torch

from tests.models.compressors import naive
from vlmcore.config import MLPConfig, PruMergeConfig
from vlmcore.models.compressors.prumerge import outliers
from vlmcore.models.vision import VisionFeatures


def loops(prumerge, features, keep, neighbours):
    """`keep` gives the kept patches of an image from its attention."""
    state, result = prumerge.state_dict(), []
    for layers, attention, keys in zip(*features, strict=True):
        patches, kept, tokens = layers[:, -1], keep(attention.tolist()), []
        for i in kept:
            others = [j for j in range(36) if j != i]
            likeness = {
                j: float(keys[i] @ keys[j] / (keys[i].norm() * keys[j].norm()))
                for j in others
            }
            near = sorted(others, key=likeness.get, reverse=True)[:neighbours]
            tokens.append(patches[i] + sum(attention[j] * patches[j] for j in near))
        tokens.append(
            sum(attention[j] * patches[j] for j in range(36) if j not in kept)
        )
        result.append(
            torch.stack([naive.mlp(state, "projection", token) for token in tokens])
        )
    return torch.stack(result)


def largest(n):
    return lambda attention: sorted(range(36), key=lambda j: -attention[j])[:n]


def largest_and_spaced(n):
    """A quarter, rounded up, by attention; the others are spread over the rest."""

    def keep(attention):
        seen = largest(math.ceil(n / 4))(attention)
        rest = [j for j in range(36) if j not in seen]
        spaced = n - len(seen)
        return seen + [rest[int((i + 0.5) * len(rest) / spaced)] for i in range(spaced)]

    return keep


@pytest.mark.parametrize("plus", [False, True])
@pytest.mark.parametrize("visual_tokens", [1, 2, 5, 16, 35, 36])
def test_equals_the_formulas_written_with_loops(build, precision, visual_tokens, plus):
    dtype, tolerance = precision
    prumerge, features, _ = build(PruMergeConfig(neighbours=5, plus=plus), 4, dtype)
    keep = (largest_and_spaced if plus else largest)(visual_tokens - 1)
    with torch.no_grad():
        ours, expected = (
            prumerge(features, visual_tokens=visual_tokens),
            loops(prumerge, features, keep, neighbours=5),
        )
    assert ours.shape == (3, visual_tokens, 24)
    assert (ours - expected).abs().max() < tolerance * expected.abs().max()


def test_keeps_the_largest_attention(build):
    prumerge, features, _ = build(PruMergeConfig(), 5)
    kept = prumerge.keep(features)
    for patches, attention in zip(kept, features.cls_attention, strict=True):
        dropped = attention[[j for j in range(36) if j not in patches]]
        assert len(patches) == 4 and attention[patches].min() > dropped.max()


def test_one_token_is_the_merged_whole(build):
    prumerge, features, _ = build(PruMergeConfig(), 1)
    merged = (features.cls_attention[..., None] * features.patches).sum(1, keepdim=True)
    torch.testing.assert_close(prumerge(features), prumerge.projection(merged))


def test_patches_without_attention_leave_only_the_kept_ones(build):
    """All attention is on two patches, so nothing is merged into them."""
    prumerge, features, _ = build(PruMergeConfig(neighbours=5), 3)
    attention = torch.zeros(3, 36, dtype=torch.float64)
    attention[:, 7], attention[:, 30] = 0.5, 0.25
    keys = torch.eye(36, 16, dtype=torch.float64).expand(3, -1, -1)
    tokens, mix = prumerge.attend(VisionFeatures(features.layers, attention, keys))
    assert torch.equal(
        prumerge.keep(features._replace(cls_attention=attention)),
        torch.tensor([[7, 30]] * 3),
    )
    assert torch.equal(mix[:, :2, [7, 30]].diagonal(dim1=1, dim2=2), torch.ones(3, 2))
    assert tokens[:, 2].abs().max() == 0


@pytest.mark.parametrize("plus", [False, True])
def test_adaptive_counts_outliers_over_the_batch(build, plus):
    prumerge, features, _ = build(PruMergeConfig(adaptive=True, plus=plus), 4)
    attention = features.cls_attention.numpy()
    low, high = np.percentile(attention, [25, 75])
    kept = int(36 * (attention > high + 1.5 * (high - low)).mean())
    assert 0 < kept == outliers(features.cls_attention)
    assert prumerge(features).shape[1] == kept * (4 if plus else 1) + 1
    assert prumerge(features, visual_tokens=3).shape[1] == 3, (
        "a V that is asked for is given"
    )
    even = features._replace(
        cls_attention=torch.full((3, 36), 1 / 37, dtype=torch.float64)
    )
    assert prumerge(even).shape[1] == 1, "no outlier, nothing kept"


def test_spaced_patches_are_none_of_the_kept_and_cover_the_image(build):
    prumerge, features, _ = build(PruMergeConfig(plus=True), 17)
    for patches in prumerge.keep(features):
        assert len(set(patches.tolist())) == 16
        spaced = patches[4:].tolist()
        assert spaced == sorted(spaced) and max(np.diff([-1, *spaced, 36])) <= 6


def test_the_projector_comes_from_the_uncompressed_model(build):
    prumerge, features, _ = build(PruMergeConfig(), 4)
    mlp, _, _ = build(MLPConfig(), 36)
    prumerge.load_state_dict(mlp.state_dict())
    torch.testing.assert_close(
        prumerge(features), mlp.projection(prumerge.attend(features)[0])
    )


@pytest.mark.parametrize("missing", ["cls_attention", "keys"])
def test_what_the_encoder_did_not_give_is_asked_for(build, missing):
    prumerge, features, _ = build(PruMergeConfig(), 4)
    with pytest.raises(ValueError, match="attention=True"):
        prumerge(features._replace(**{missing: None}))


def test_impossible_numbers_get_a_sentence(build):
    prumerge, features, _ = build(PruMergeConfig(), 4)
    with pytest.raises(
        ValueError, match="into 37 tokens; choose visual_tokens from 1 to 36"
    ):
        prumerge(features, visual_tokens=37)
    with pytest.raises(ValueError, match="neighbours is 0"):
        PruMergeConfig(neighbours=0)
