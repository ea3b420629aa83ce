import numpy as np
import pytest
import torch

from tests.models.compressors import naive
from vlmcore.config import M3Config, MLPConfig


@pytest.mark.parametrize("visual_tokens", [1, 4, 9, 36])
def test_equals_the_formulas_written_with_loops(build, precision, visual_tokens):
    dtype, tolerance = precision
    m3, features, _ = build(M3Config(), 4, dtype)
    with torch.no_grad():
        ours, state = m3(features, visual_tokens=visual_tokens), m3.state_dict()
        loops = []
        for image in features.layers[:, :, -1]:
            projected = [naive.mlp(state, "projection", x) for x in image]
            loops.append(
                torch.stack(
                    [
                        naive.mean([projected[i] for i in cell])
                        for cell in naive.cells(6, visual_tokens)
                    ]
                )
            )
    assert ours.shape == (3, visual_tokens, 24)
    assert (ours - torch.stack(loops)).abs().max() < tolerance * torch.stack(
        loops
    ).abs().max()


def test_at_full_scale_it_is_the_plain_projector(build):
    m3, features, _ = build(M3Config(), 36)
    mlp, _, _ = build(MLPConfig(), 36)
    mlp.load_state_dict(m3.state_dict())
    assert torch.equal(m3(features), mlp(features))


def test_coarse_tokens_are_means_of_finer_ones(build):
    m3, features, _ = build(M3Config(), 36)
    fine, coarse = m3(features, visual_tokens=9), m3(features, visual_tokens=1)
    torch.testing.assert_close(fine.mean(1, keepdim=True), coarse)


def test_every_step_trains_all_scales():
    rng = np.random.default_rng(0)
    assert (
        M3Config().training_tokens(12, "align", rng)
        == M3Config().training_tokens(12, "tune", rng)
        == (1, 4, 9, 16, 36, 144)
    )
    published = M3Config(scales=(1, 9, 36, 144, 576))
    assert published.training_tokens(24, "tune", rng) == (1, 9, 36, 144, 576)
    assert set(published.scales) < set(published.choices(24))
    with pytest.raises(ValueError, match=r"scales is \[1, 0\]"):
        M3Config(scales=[1, 0])
