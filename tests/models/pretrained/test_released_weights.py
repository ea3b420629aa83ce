"""Weights named as in the released code, with short d and e, keep their function."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vlmcore.config import (
    M3Config,
    MLPConfig,
    MQTConfig,
    PoolConfig,
    PruMergeConfig,
    QueCCConfig,
    TokenPackerConfig,
    VisionConfig,
)
from vlmcore.models.compressors import COMPRESSORS
from vlmcore.models.pretrained.released_weights import PUBLISHED, from_published
from vlmcore.models.vision import VisionFeatures

VISION = VisionConfig(
    image_size=24 * 4,
    patch_size=4,
    width=16,
    depth=4,
    heads=2,
    mlp_width=32,
    layers=(1, 2, 3, 4),
)
D, E = 16, 24
CONFIGS = {
    "mlp": (MLPConfig(), 576),
    "pool": (PoolConfig(), 4),
    "m3": (M3Config(), 9),
    "prumerge": (PruMergeConfig(), 5),
    "mqt": (MQTConfig(256, 16), 36),
    "tokenpacker": (TokenPackerConfig(8), 144),
    "quecc": (QueCCConfig(8), 36),
}


def llava():
    return nn.Sequential(nn.Linear(D, E), nn.GELU(), nn.Linear(E, E))


def two_layers(inputs, *norm):
    return nn.Sequential(nn.Linear(inputs, D), nn.GELU(), nn.Linear(D, D), *norm)


def layer_norm():
    return nn.LayerNorm(D, eps=1e-6)


def mqt():
    module = nn.Module()
    module.pos_embed = nn.Parameter(torch.zeros(256, D))
    module.query, module.proj = (
        nn.Parameter(torch.randn(256, D)),
        nn.Parameter(torch.randn(D, E)),
    )
    module.attn = nn.MultiheadAttention(D, 16)
    module.ln_q, module.ln_k, module.ln_v = layer_norm(), layer_norm(), layer_norm()
    return module


def tokenpacker():
    module = nn.Module()
    module.q_proj_1 = nn.Linear(D, D, bias=False)
    module.k_proj_1, module.v_proj_1 = two_layers(4 * D), two_layers(4 * D)
    module.ln_q_1, module.ln_k_1, module.ln_v_1 = (
        layer_norm(),
        layer_norm(),
        layer_norm(),
    )
    module.clip_attn, module.mlp = nn.MultiheadAttention(D, 8), llava()
    return module


def quecc():
    module = nn.Module()
    module.clip_attn = nn.MultiheadAttention(D, 8, batch_first=True)
    module.q_proj = two_layers(D, layer_norm())
    module.k_proj, module.v_proj = (
        two_layers(4 * D, layer_norm()),
        two_layers(4 * D, layer_norm()),
    )
    module.q_downsample = nn.Conv2d(D, D, kernel_size=4, stride=4, groups=D)
    module.text_projection = nn.Sequential(nn.Linear(E, D), layer_norm())
    return nn.Sequential(module, *llava())


RELEASED = {
    "mlp": llava,
    "pool": llava,
    "m3": llava,
    "prumerge": llava,
    "mqt": mqt,
    "tokenpacker": tokenpacker,
    "quecc": quecc,
}


def released(name, prefix="model.mm_projector."):
    torch.manual_seed(0)
    module = RELEASED[name]()
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    return {prefix + key: value for key, value in module.state_dict().items()}, module


def ours(name):
    config, visual_tokens = CONFIGS[name]
    return COMPRESSORS[name](config, VISION, E, visual_tokens)


@pytest.mark.parametrize("prefix", ["model.mm_projector.", "mm_projector.", ""])
@pytest.mark.parametrize("name", RELEASED)
def test_released_names_and_shapes_fit(name, prefix):
    state, _ = released(name, prefix)
    compressor = ours(name)
    compressor.load_state_dict(
        from_published(name, state)
    )  # strict: every tensor of ours, in its shape
    values = [value.flatten().sort().values for value in state.values()]
    loaded = [
        value.flatten().sort().values
        for key, value in compressor.state_dict().items()
        if key != "key_positions"  # are made of the released ones
    ]
    assert all(
        any(len(x) == len(y) and torch.equal(x, y) for y in loaded) for x in values
    ) and len(values) == len(loaded)


def features():
    torch.manual_seed(1)
    return VisionFeatures(
        torch.randn(2, 576, 4, D), torch.rand(2, 576), torch.randn(2, 576, D)
    )


def assert_same(ours, theirs):
    assert (ours - theirs).abs().max() < 1e-5 * theirs.abs().max()


@pytest.mark.parametrize("name", ["mlp", "pool", "m3"])
def test_llava_keeps_its_function(name):
    state, module = released(name)
    compressor, seen = ours(name), features()
    compressor.load_state_dict(from_published(name, state))
    side = math.isqrt(CONFIGS[name][1])

    def shrink(x):
        return F.adaptive_avg_pool2d(x.mT.unflatten(2, (24, 24)), side).flatten(2).mT

    expected = (
        module(shrink(seen.patches)) if name == "pool" else shrink(module(seen.patches))
    )
    assert_same(compressor(seen), expected)


def test_mqt_keeps_its_function():
    state, module = released("mqt")
    compressor, seen = ours("mqt"), features()
    compressor.load_state_dict(from_published("mqt", state))
    query = module.ln_q(module.query[:36] + module.pos_embed[:36])[:, None]
    grid = module.pos_embed.mT.unflatten(1, (16, 16))[None]
    positions = F.interpolate(grid, size=(24, 24), mode="bicubic").flatten(2)[0].mT
    query, key = query.repeat(1, 2, 1), module.ln_k(positions)[:, None].repeat(1, 2, 1)
    found = module.attn(query, key, module.ln_v(seen.patches.transpose(0, 1)))[0]
    assert_same(compressor(seen), found.transpose(0, 1) @ module.proj)


def regions(grid, k):
    """(2, 576, d) to (regions * 2, k * k, d), the region first."""
    side = 24 // k
    cut = grid.reshape(2, side, k, side, k, -1).permute(1, 3, 0, 2, 4, 5)
    return cut.reshape(side * side * 2, k * k, -1)


def test_tokenpacker_keeps_its_function():
    state, m = released("tokenpacker")
    compressor, seen = ours("tokenpacker"), features()
    compressor.load_state_dict(from_published("tokenpacker", state))
    levels = seen.layers.flatten(2)
    key, value = m.ln_k_1(m.k_proj_1(levels)), m.ln_v_1(m.v_proj_1(levels))
    coarse = (
        F.interpolate(
            seen.patches.mT.unflatten(2, (24, 24)), size=(12, 12), mode="bilinear"
        )
        .flatten(2)
        .mT
    )
    query = m.ln_q_1(m.q_proj_1(coarse)).transpose(0, 1).reshape(1, 288, D)
    found = m.clip_attn(
        query, regions(key, 2).transpose(0, 1), regions(value, 2).transpose(0, 1)
    )[0]
    expected = m.mlp(found.reshape(144, 2, D).transpose(0, 1))
    assert_same(compressor(seen), expected)


def test_quecc_keeps_its_function():
    state, whole = released("quecc")
    compressor, seen, question = ours("quecc"), features(), torch.randn(2, E)
    compressor.load_state_dict(from_published("quecc", state))
    m, levels = whole[0], seen.layers.flatten(2)
    conditioned = seen.patches + m.text_projection(question)[:, None]
    query = (
        m.q_downsample(m.q_proj(conditioned).mT.unflatten(2, (24, 24)))
        .flatten(2)
        .permute(2, 0, 1)
        .reshape(72, 1, D)
    )
    found = m.clip_attn(
        query, regions(m.k_proj(levels), 4), regions(m.v_proj(levels), 4)
    )[0]
    expected = whole[1:](found.reshape(36, 2, D).transpose(0, 1))
    assert_same(compressor(seen, question), expected)


@pytest.mark.parametrize("name", RELEASED)
def test_a_missing_or_unknown_name_is_reported(name):
    state, _ = released(name)
    for gone in state:
        with pytest.raises(
            ValueError,
            match=f"missing are {gone.removeprefix('model.mm_projector.')}, not known "
            "are none",
        ):
            from_published(
                name, {key: value for key, value in state.items() if key != gone}
            )
    with pytest.raises(ValueError, match=r"missing are none, not known are 7.weight;"):
        from_published(name, state | {"model.mm_projector.7.weight": torch.zeros(3)})


def test_of_a_whole_checkpoint_the_compressor_counts():
    state, _ = released("mlp")
    more = [
        "layers.0.mlp.up_proj.weight",
        "image_newline",
        "mm_projector.image_newline",
    ]
    whole = state | {f"model.{name}": torch.zeros(1) for name in more}
    assert from_published("mlp", whole).keys() == from_published("mlp", state).keys()
    with pytest.raises(
        ValueError, match="no released weights of 'honeybee'; choose from mlp, pool"
    ):
        from_published("honeybee", state)
    assert PUBLISHED.keys() <= COMPRESSORS.keys()
