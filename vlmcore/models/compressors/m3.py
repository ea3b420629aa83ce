"""M3, Matryoshka Multimodal Models (arXiv 2405.17430): project patches, then average.

Coarse tokens are means of finer ones. Nothing in the module depends on V; training
makes it a compressor for all V, since every step averages the loss over all scales
(`M3Config.training_tokens`). Pooling comes after the projector and saves none of its
operations.
"""

import math

from einops import reduce
from torch import Tensor

from vlmcore.models.compressors.projector import Projected
from vlmcore.models.compressors.visual_tokens import checked_features, choose
from vlmcore.models.vision import VisionFeatures


class M3(Projected):
    """LLaVA's projector, then the mean of each of V cells; V is set at each call."""

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
