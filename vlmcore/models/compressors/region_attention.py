"""Region attention: each query attends to the patches of its own square region alone.

TokenPacker and QueCC share it.

Axes: b images, v = s*s regions of k*k patches, p = v*k*k patches in rows, d width.
"""

import math

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

EPS = 1e-6
"""Of every layer norm in the published compressors; torch's own default is 1e-5."""


def normed_mlp(inputs: int, width: int) -> nn.Sequential:
    """Linear, GELU, Linear, layer norm: (..., inputs) to (..., width)."""
    return nn.Sequential(
        nn.Linear(inputs, width),
        nn.GELU(),
        nn.Linear(width, width),
        nn.LayerNorm(width, eps=EPS),
    )


def normed_linear(width: int) -> nn.Sequential:
    """One matrix and a layer norm: (..., width) to (..., width)."""
    return nn.Sequential(
        nn.Linear(width, width, bias=False), nn.LayerNorm(width, eps=EPS)
    )


def resize(patches: Tensor, side: int) -> Tensor:
    """Patches (b, p, d) bilinearly resized to a coarser grid, float (b, side*side, d).

    Without antialias, as published: a single query is the mean of the four patches in
    the centre of the image.
    """
    grid = rearrange(patches, "b (y x) d -> b d y x", y=math.isqrt(patches.shape[1]))
    return rearrange(
        F.interpolate(grid, size=(side, side), mode="bilinear", align_corners=False),
        "b d y x -> b (y x) d",
    )


def attend_regions(
    attention: nn.MultiheadAttention,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    need_weights: bool = True,
) -> tuple[Tensor, Tensor | None]:
    """Attention of every query to the keys of its own region.

    Args:
        attention: the heads, `batch_first`.
        query: float (b, v, d), one for each region.
        key: float (b, p, d).
        value: float (b, p, d).
        need_weights: whether to return the weights too, at some cost.

    Returns:
        The output for each query, float (b, v, d), and its weights on the patches of
        its region, the mean over heads, float (b, v, k*k).
    """
    v, side = query.shape[1], math.isqrt(query.shape[1])
    kernel = math.isqrt(key.shape[1]) // side
    regions = "b (y ky x kx) d -> (b y x) (ky kx) d"
    key, value = (
        rearrange(grid, regions, y=side, x=side, ky=kernel, kx=kernel)
        for grid in (key, value)
    )
    query = rearrange(query, "b v d -> (b v) 1 d")
    output, weights = attention(query, key, value, need_weights=need_weights)
    output = rearrange(output, "(b v) 1 d -> b v d", v=v)
    if weights is not None:
        weights = rearrange(weights, "(b v) 1 k -> b v k", v=v)
    return output, weights
