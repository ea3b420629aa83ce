"""QueCC, query-based convolutional cross-attention: the compressor of arXiv 2411.03312, section 4.

Every output token looks at its own square region of the image. What it looks *for* is built from the patches of that region and from
the question: the question's state is added to each patch, a small MLP maps the sum, and a depth-wise convolution with stride equal to
the region shrinks the map to one query a region. Keys and values come from several layers of the encoder, as in TokenPacker
(arXiv 2407.02392), which QueCC extends.

Axes: b images, s*s regions (V of them), k*k patches a region, l layers, d vision width, e language width.
"""

import math

from einops import rearrange
from torch import Tensor, nn

from vlmcore.compressors.fixed import check_fixed
from vlmcore.compressors.projector import projector
from vlmcore.config import QueCCConfig, VisionConfig, check_visual_tokens
from vlmcore.vision import VisionFeatures


class QueCC(nn.Module):
    """One question-aware token for each of V square regions."""

    def __init__(self, config: QueCCConfig, vision: VisionConfig, language_width: int, visual_tokens: int) -> None:
        super().__init__()
        check_visual_tokens(config, vision.side, visual_tokens)
        d, levels = vision.width, len(vision.layers)
        self.visual_tokens = visual_tokens
        self.kernel = vision.side // math.isqrt(visual_tokens)

        self.question = nn.Sequential(nn.Linear(language_width, d), nn.LayerNorm(d))
        self.query = nn.Sequential(nn.Linear(d, d), nn.GELU(), nn.Linear(d, d), nn.LayerNorm(d))
        self.downsample = nn.Conv2d(d, d, kernel_size=self.kernel, stride=self.kernel, groups=d)
        self.key = nn.Sequential(nn.Linear(levels * d, d), nn.GELU(), nn.Linear(d, d), nn.LayerNorm(d))
        self.value = nn.Sequential(nn.Linear(levels * d, d), nn.GELU(), nn.Linear(d, d), nn.LayerNorm(d))
        self.attention = nn.MultiheadAttention(d, config.heads, batch_first=True)
        self.projection = projector(d, language_width)

    def forward(self, features: VisionFeatures, question: Tensor | None = None, *, visual_tokens: int | None = None) -> Tensor:
        """Compresses images in the light of a question.

        Args:
            features: of b images.
            question: float (b, e), the language model's last hidden state at the question's last token.
            visual_tokens: None, or the V this compressor was built for.

        Returns:
            Visual tokens, float (b, V, e).

        Raises:
            ValueError: the question is missing, or another V is asked for.
        """
        check_fixed(self.visual_tokens, visual_tokens)
        if question is None:
            raise ValueError("QueCC looks at the image in the light of a question; give its state, float (batch, language width)")
        tokens, _ = self.attend(features, question, need_weights=False)
        return self.projection(tokens)

    def attend(self, features: VisionFeatures, question: Tensor, *, need_weights: bool = True) -> tuple[Tensor, Tensor | None]:
        """The tokens before projection, float (b, V, d), and how much each looks at the patches of its region, float (b, V, k*k)."""
        cells = {"ky": self.kernel, "kx": self.kernel}
        injected = features.patches + self.question(question)[:, None]
        grid = rearrange(self.query(injected), "b (y x) d -> b d y x", y=features.side)
        query = rearrange(self.downsample(grid), "b d y x -> (b y x) 1 d")

        levels = rearrange(features.layers, "b (y ky x kx) l d -> (b y x) (ky kx) (l d)", x=features.side // self.kernel, **cells)
        attended, weights = self.attention(query, self.key(levels), self.value(levels), need_weights=need_weights)
        tokens = rearrange(attended, "(b v) 1 d -> b v d", v=self.visual_tokens)
        return tokens, None if weights is None else rearrange(weights, "(b v) 1 k -> b v k", v=self.visual_tokens)
