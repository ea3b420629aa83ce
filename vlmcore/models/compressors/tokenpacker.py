"""TokenPacker (arXiv 2407.02392): coarse patches attend to detail in their own regions.

The queries are the patches bilinearly resized to the grid of V cells. Keys and values
come from several layers of the encoder, low ones for detail and high ones for meaning.

Axes: b images, v = s*s regions of k*k patches, l layers, d vision width.
"""

import math

from einops import rearrange
from torch import Tensor, nn

from vlmcore.config import TokenPackerConfig, VisionConfig
from vlmcore.models.compressors.projector import projector
from vlmcore.models.compressors.region_attention import (
    attend_regions,
    normed_linear,
    normed_mlp,
    resize,
)
from vlmcore.models.compressors.visual_tokens import check_fixed, checked_features
from vlmcore.models.vision import VisionFeatures


class TokenPacker(nn.Module):
    """One token for each of V square regions, from a coarse query and fine keys."""

    def __init__(
        self,
        config: TokenPackerConfig,
        vision: VisionConfig,
        language_width: int,
        visual_tokens: int,
    ) -> None:
        super().__init__()
        config.check_visual_tokens(vision.side, visual_tokens)
        d, levels = vision.width, len(vision.layers)
        self.vision, self.visual_tokens = vision, visual_tokens

        self.query = normed_linear(d)
        self.key = normed_mlp(levels * d, d)
        self.value = normed_mlp(levels * d, d)
        self.attention = nn.MultiheadAttention(d, config.heads, batch_first=True)
        self.projection = projector(d, language_width)

    def forward(
        self,
        features: VisionFeatures,
        question: Tensor | None = None,
        *,
        visual_tokens: int | None = None,
    ) -> Tensor:
        """Visual tokens, float (b, V, language width); the question is ignored."""
        check_fixed(self.visual_tokens, visual_tokens)
        tokens, _ = self.attend(features, need_weights=False)
        return self.projection(tokens)

    def attend(
        self, features: VisionFeatures, *, need_weights: bool = True
    ) -> tuple[Tensor, Tensor | None]:
        """Tokens before projection, float (b, v, d), and their attention weights.

        The weights are on the patches of each token's region, float (b, v, k*k).
        """
        features = checked_features(features, self.vision)
        query = self.query(resize(features.patches, math.isqrt(self.visual_tokens)))
        levels = rearrange(features.layers, "b p l d -> b p (l d)")
        return attend_regions(
            self.attention,
            query,
            self.key(levels),
            self.value(levels),
            need_weights=need_weights,
        )
