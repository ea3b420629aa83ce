"""Average pooling, the baseline: the mean patch of each cell, then the projector."""

import math

from einops import reduce
from torch import Tensor

from vlmcore.models.compressors.projector import Projected
from vlmcore.models.compressors.visual_tokens import check_fixed, checked_features
from vlmcore.models.vision import VisionFeatures


class Pool(Projected):
    """Cuts the grid into V square cells and averages each.

    With V equal to the number of patches nothing is pooled, and this is LLaVA-1.5's
    uncompressed model.
    """

    def forward(
        self,
        features: VisionFeatures,
        question: Tensor | None = None,
        *,
        visual_tokens: int | None = None,
    ) -> Tensor:
        """Visual tokens, float (b, V, language width); the question is ignored."""
        features = checked_features(features, self.vision)
        check_fixed(self.visual_tokens, visual_tokens)
        side = math.isqrt(self.visual_tokens)
        cells = reduce(
            features.patches,
            "b (gy y gx x) d -> b (gy gx) d",
            "mean",
            gy=side,
            gx=side,
            x=features.side // side,
        )
        return self.projection(cells)
