"""MQT, the Matryoshka Query Transformer (arXiv 2405.19315): learned queries attend to all patches, and V of them are enough.

The first V queries are used, so early ones learn what every V needs: in tuning V is
drawn anew in every step (`MQTConfig.training_tokens`). Queries carry the fixed
positions of a square grid, and keys those of the patches, resized from it. In the
released code the keys are these positions and nothing else. Then neither queries nor
keys depend on the image, and so the weights of the attention do not either: a trained
MQT is a fixed weighting of places, looked up rather than looked for. `content_keys`
adds the patches to their positions, and queries can find things wherever they are.

Axes: b images, v visual tokens, p patches, d vision width.
"""

import math

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

from vlmcore.config import MQTConfig, VisionConfig
from vlmcore.models.compressors.region_attention import EPS
from vlmcore.models.compressors.visual_tokens import choose
from vlmcore.models.vision import VisionFeatures


class MQT(nn.Module):
    """The first V of many learned queries, each a look at the whole image; V chosen at every call."""

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
        self.visual_tokens = visual_tokens
        d = vision.width
        positions = grid_positions(math.isqrt(config.queries), d)
        self.register_buffer(
            "query_positions", positions.to(torch.get_default_dtype()), persistent=False
        )
        self.register_buffer(
            "key_positions",
            resize_positions(positions, vision.side).to(torch.get_default_dtype()),
            persistent=False,
        )

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
        """Visual tokens, float (b, V, language width); the question is not looked at, and V is that of the model if None."""
        tokens, _ = self.attend(features, visual_tokens, need_weights=False)
        return self.projection(tokens)

    def attend(
        self,
        features: VisionFeatures,
        visual_tokens: int | None = None,
        *,
        need_weights: bool = True,
    ) -> tuple[Tensor, Tensor | None]:
        """The tokens before projection, float (b, v, d), and how much each looks at every patch, float (b, v, p)."""
        v = choose(self.config, features.side, self.visual_tokens, visual_tokens)
        patches = features.patches
        query = self.query_norm(self.query[:v] + self.query_positions[:v])
        key = self.key_norm(
            self.key_positions + patches
            if self.config.content_keys
            else self.key_positions
        )
        return self.attention(
            repeat(query, "v d -> b v d", b=len(patches)),
            key.expand_as(patches),
            self.value_norm(patches),
            need_weights=need_weights,
        )


def grid_positions(side: int, width: int) -> Tensor:
    """Sines and cosines of the places of a grid, as in MAE: half the channels for the column, half for the row.

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
    columns, rows = (
        repeat(line, "x c -> (y x) c", y=side),
        repeat(line, "y c -> (y x) c", x=side),
    )
    return torch.cat([columns, rows], dim=1)


def resize_positions(positions: Tensor, side: int) -> Tensor:
    """Positions of another grid, bicubically resized: (n*n, d) to (side*side, d)."""
    grid = rearrange(positions, "(y x) d -> 1 d y x", y=math.isqrt(len(positions)))
    return rearrange(
        F.interpolate(grid, size=(side, side), mode="bicubic", align_corners=False),
        "1 d y x -> (y x) d",
    )
