"""MQT, the Matryoshka Query Transformer (arXiv 2405.19315): V of its learned queries.

The first V queries are used, so the early ones learn what every V needs: in stage 2, V
is drawn anew in every step (`MQTConfig.training_tokens`). Queries carry the positions
of a square grid, and keys those of the patches, resized from it. They are fixed here;
a released MQT has trained positions and brings them along. In the
released code the keys are these positions alone. Neither queries nor keys then depend
on the image, nor do the attention weights: a trained MQT is a fixed weighting of
positions. `content_keys` adds the patches to their positions, and a query can find an
object wherever it is.

Axes: b images, v visual tokens, p patches, d vision width.
"""

import math

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

from vlmcore.config import MQTConfig, VisionConfig
from vlmcore.models.compressors.region_attention import EPS
from vlmcore.models.compressors.visual_tokens import checked_features, choose
from vlmcore.models.vision import VisionFeatures


class MQT(nn.Module):
    """Cross-attention of V learned queries to all patches; V is set at each call."""

    query_positions: Tensor
    key_positions: Tensor

    def __init__(
        self,
        config: MQTConfig,
        vision: VisionConfig,
        language_width: int,
        visual_tokens: int,
    ) -> None:
        super().__init__()
        config.check_visual_tokens(vision.side, visual_tokens)
        self.config = config
        self.vision, self.visual_tokens = vision, visual_tokens
        d = vision.width
        positions = grid_positions(math.isqrt(config.queries), d)
        for name, values in (
            ("query_positions", positions),
            ("key_positions", resize_positions(positions, vision.side)),
        ):
            values = values.to(torch.get_default_dtype())
            self.register_buffer(name, values)

        self.query = nn.Parameter(
            nn.init.trunc_normal_(torch.empty(config.queries, d), std=0.02)
        )
        self.query_norm, self.key_norm, self.value_norm = (
            nn.LayerNorm(d, eps=EPS) for _ in range(3)
        )
        self.attention = nn.MultiheadAttention(d, config.heads, batch_first=True)
        self.projection = nn.Linear(d, language_width, bias=False)

    def forward(
        self,
        features: VisionFeatures,
        question: Tensor | None = None,
        *,
        visual_tokens: int | None = None,
    ) -> Tensor:
        """Visual tokens, float (b, V, language width); the question is ignored."""
        tokens, _ = self.attend(features, visual_tokens, need_weights=False)
        return self.projection(tokens)

    def attend(
        self,
        features: VisionFeatures,
        visual_tokens: int | None = None,
        *,
        need_weights: bool = True,
    ) -> tuple[Tensor, Tensor | None]:
        """Tokens before projection, float (b, v, d), and their weights, (b, v, p)."""
        features = checked_features(features, self.vision)
        v = choose(self.config, features.side, self.visual_tokens, visual_tokens)
        patches = features.patches
        query = self.query_norm(self.query[:v] + self.query_positions[:v])
        key = self.key_positions
        if self.config.content_keys:
            key = key + patches
        return self.attention(
            repeat(query, "v d -> b v d", b=len(patches)),
            self.key_norm(key).expand_as(patches),
            self.value_norm(patches),
            need_weights=need_weights,
        )


def grid_positions(side: int, width: int) -> Tensor:
    """Sine-cosine positions of the cells of a grid, as in MAE.

    Half the channels are for the column, half for the row.

    Returns:
        float64 (side*side, width), rows first.

    Raises:
        ValueError: the width cannot be cut into four parts.
    """
    if width % 4:
        raise ValueError(
            f"a vision width of {width} cannot hold sines and cosines of rows and "
            "columns; choose a multiple of 4"
        )
    frequency = 10000.0 ** -(
        torch.arange(width // 4, dtype=torch.float64) / (width // 4)
    )
    angle = torch.outer(torch.arange(side, dtype=torch.float64), frequency)
    line = torch.cat([angle.sin(), angle.cos()], dim=1)
    columns = repeat(line, "x c -> (y x) c", y=side)
    rows = repeat(line, "y c -> (y x) c", x=side)
    return torch.cat([columns, rows], dim=1)


def resize_positions(positions: Tensor, side: int) -> Tensor:
    """Positions of another grid, bicubically resized: (n*n, d) to (side*side, d)."""
    grid = rearrange(positions, "(y x) d -> 1 d y x", y=math.isqrt(len(positions)))
    return rearrange(
        F.interpolate(grid, size=(side, side), mode="bicubic", align_corners=False),
        "1 d y x -> (y x) d",
    )
