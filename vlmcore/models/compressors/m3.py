"""M3, Matryoshka Multimodal Models (arXiv 2405.17430): project patches, then average.

Coarse tokens are means of finer ones. Nothing in the module depends on V; training
makes it a compressor for all V, since every step averages the loss over all scales
(`M3Config.training_tokens`). Pooling comes after the projector and saves none of its
operations.
"""

import math

from einops import reduce
from torch import Tensor, nn

from vlmcore.config import M3Config, VisionConfig
from vlmcore.models.compressors.projector import projector
from vlmcore.models.compressors.visual_tokens import checked_features, choose
from vlmcore.models.vision import VisionFeatures


class M3(nn.Module):
    """LLaVA's projector, then the mean of each of V cells; V is set at each call."""

    def __init__(
        self,
        config: M3Config,
        vision: VisionConfig,
        language_width: int,
        visual_tokens: int,
    ) -> None:
        super().__init__()
        config.check_visual_tokens(vision.side, visual_tokens)
        self.config = config
        self.vision, self.visual_tokens = vision, visual_tokens
        self.projection = projector(vision.width, language_width)

    def forward(
        self,
        features: VisionFeatures,
        question: Tensor | None = None,
        *,
        visual_tokens: int | None = None,
    ) -> Tensor:
        """Compresses images.

        Args:
            features: of b images.
            question: is ignored.
            visual_tokens: V; that of the model if None.

        Returns:
            Visual tokens, float (b, V, language width); at V = patches those of the
            plain projector.

        Raises:
            ValueError: the grid has no V equal cells.
        """
        features = checked_features(features, self.vision)
        side = math.isqrt(
            choose(self.config, features.side, self.visual_tokens, visual_tokens)
        )
        tokens = self.projection(features.patches)
        return reduce(
            tokens,
            "b (gy y gx x) e -> b (gy gx) e",
            "mean",
            gy=side,
            gx=side,
            x=features.side // side,
        )
