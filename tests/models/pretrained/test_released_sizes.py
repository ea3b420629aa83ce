"""Released weights of full size fit in name and shape; no memory is allocated."""

import math

import pytest
import torch

from tests.models.pretrained.test_released_weights import CONFIGS, RELEASED
from vlmcore.config import CLIP_L_336
from vlmcore.models.compressors import COMPRESSORS
from vlmcore.models.pretrained.released_weights import from_published


def layer(name, rows, columns):
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}


def norm(name):
    return {f"{name}.weight": (1024,), f"{name}.bias": (1024,)}


def heads(name):
    return {
        f"{name}.in_proj_weight": (3072, 1024),
        f"{name}.in_proj_bias": (3072,),
    } | layer(f"{name}.out_proj", 1024, 1024)


def keys_and_values(key, value):
    """Two layers each, of four hidden states of CLIP side by side."""
    return {
        k: v
        for name in (key, value)
        for k, v in (
            layer(f"{name}.0", 1024, 4096) | layer(f"{name}.2", 1024, 1024)
        ).items()
    }


LLAVA_7B = layer("0", 4096, 1024) | layer("2", 4096, 4096)
FULL_SIZE = {
    **dict.fromkeys(("mlp", "pool", "m3", "prumerge"), LLAVA_7B),
    "mqt": {"pos_embed": (256, 1024), "query": (256, 1024), "proj": (1024, 4096)}
    | heads("attn")
    | norm("ln_q")
    | norm("ln_k")
    | norm("ln_v"),
    "tokenpacker": {"q_proj_1.weight": (1024, 1024)}
    | keys_and_values("k_proj_1", "v_proj_1")
    | norm("ln_q_1")
    | norm("ln_k_1")
    | norm("ln_v_1")
    | heads("clip_attn")
    | layer("mlp.0", 4096, 1024)
    | layer("mlp.2", 4096, 4096),
    "quecc": layer("0.text_projection.0", 1024, 4096)
    | norm("0.text_projection.1")
    | layer("0.q_proj.0", 1024, 1024)
    | layer("0.q_proj.2", 1024, 1024)
    | norm("0.q_proj.3")
    | {
        "0.q_downsample.weight": (1024, 1, 4, 4),
        "0.q_downsample.bias": (1024,),
    }  # depth-wise, V = 36
    | keys_and_values("0.k_proj", "0.v_proj")
    | norm("0.k_proj.3")
    | norm("0.v_proj.3")
    | heads("0.clip_attn")
    | layer("1", 4096, 1024)
    | layer("3", 4096, 4096),
}
"""Behind CLIP ViT-L/14-336 and in front of a language model of 7 billion parameters,
whose width is 4,096."""


def full_size(name, shapes):
    """A full-size compressor with released tensors of these shapes, without memory."""
    config, visual_tokens = CONFIGS[name]
    with torch.device("meta"):
        compressor = COMPRESSORS[name](config, CLIP_L_336, 4096, visual_tokens)
        state = {
            f"model.mm_projector.{tensor}": torch.empty(shape)
            for tensor, shape in shapes.items()
        }
    compressor.load_state_dict(from_published(name, state))
    return compressor


@pytest.mark.parametrize("name", RELEASED)
def test_weights_of_full_size_fit_in_name_and_shape(name):
    compressor = full_size(name, FULL_SIZE[name])
    learnt = sum(
        math.prod(shape)
        for tensor, shape in FULL_SIZE[name].items()
        if tensor != "pos_embed"
    )
    assert sum(parameter.numel() for parameter in compressor.parameters()) == learnt


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("mlp", "2.weight"),
        ("mqt", "proj"),
        ("tokenpacker", "mlp.2.bias"),
        ("quecc", "3.weight"),
    ],
)
def test_weights_for_a_wider_language_model_do_not_fit(name, tensor):
    """Of 13 billion parameters and 5,120 channels."""
    wider = tuple(5120 if n == 4096 else n for n in FULL_SIZE[name][tensor])
    with pytest.raises(RuntimeError, match="size mismatch"):
        full_size(name, FULL_SIZE[name] | {tensor: wider})
