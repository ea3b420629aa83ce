"""QueCC, query-based convolutional cross-attention (arXiv 2411.03312, section 4).

Every visual token attends to its own square region of the image, as in TokenPacker
(arXiv 2407.02392). Its query is made differently, in three ways that can be switched
off one by one until TokenPacker is left:

- the question's state is added to each patch (`inject_question`);
- a small MLP, not a single matrix, makes queries of the sums (`nonlinear_query`);
- a depth-wise convolution with stride equal to the region shrinks the map to one query
  a region (`learned_downsampling`). It comes after the map and its norm, where resizing
  comes before them: the two do not commute.

Axes: b images, v = s*s regions of k*k patches, l layers, d vision width, e language
width.
"""

import math

import numpy as np
from einops import rearrange
from torch import Tensor, nn

from vlmcore.config import QueCCConfig, VisionConfig
from vlmcore.models.compressors.projector import projector
from vlmcore.models.compressors.region_attention import (
    EPS,
    attend_regions,
    normed_linear,
    normed_mlp,
    resize,
)
from vlmcore.models.compressors.visual_tokens import check_fixed, checked_features
from vlmcore.models.vision import VisionFeatures


class QueCC(nn.Module):
    """One question-aware token for each of V square regions."""

    def __init__(
        self,
        config: QueCCConfig,
        vision: VisionConfig,
        language_width: int,
        visual_tokens: int,
    ) -> None:
        super().__init__()
        config.check_visual_tokens(vision.side, visual_tokens)
        d, levels = vision.width, len(vision.layers)
        self.config = config
        self.vision, self.visual_tokens = vision, visual_tokens
        self.kernel = vision.side // math.isqrt(visual_tokens)

        if config.inject_question:
            self.question = nn.Sequential(
                nn.Linear(language_width, d), nn.LayerNorm(d, eps=EPS)
            )
        self.query = normed_mlp(d, d) if config.nonlinear_query else normed_linear(d)
        if config.learned_downsampling:
            self.downsample = nn.Conv2d(
                d, d, kernel_size=self.kernel, stride=self.kernel, groups=d
            )
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
        """Compresses images, conditioned on a question.

        Args:
            features: of b images.
            question: float (b, e), the language model's last hidden state at the
                question's last token.
            visual_tokens: None, or the V this compressor was built for.

        Returns:
            Visual tokens, float (b, V, e).

        Raises:
            ValueError: the question is missing, or another V is asked for.
        """
        check_fixed(self.visual_tokens, visual_tokens)
        tokens, _ = self.attend(features, question, need_weights=False)
        return self.projection(tokens)

    def attend(
        self,
        features: VisionFeatures,
        question: Tensor | None = None,
        *,
        need_weights: bool = True,
    ) -> tuple[Tensor, Tensor | None]:
        """Tokens before projection, float (b, v, d), and their attention weights.

        The weights are on the patches of each token's region, float (b, v, k*k).
        """
        features = checked_features(features, self.vision)
        levels = rearrange(features.layers, "b p l d -> b p (l d)")
        query = self.queries(features.patches, question)
        return attend_regions(
            self.attention,
            query,
            self.key(levels),
            self.value(levels),
            need_weights=need_weights,
        )

    def queries(self, patches: Tensor, question: Tensor | None) -> Tensor:
        """The query of each region, float (b, v, d), from patches (b, p, d)."""
        if self.config.inject_question:
            expected = len(patches), self.question[0].in_features
            if question is None or np.shape(question) != expected:
                raise ValueError(
                    "QueCC is conditioned on a question; give its state, float "
                    f"(batch, language width) = {expected}"
                )
            patches = patches + self.question(question)[:, None]
        if not self.config.learned_downsampling:
            return self.query(resize(patches, math.isqrt(self.visual_tokens)))
        grid = rearrange(
            self.query(patches), "b (y x) d -> b d y x", y=math.isqrt(patches.shape[1])
        )
        return rearrange(self.downsample(grid), "b d y x -> b (y x) d")
