"""No compression: LLaVA-1.5's projector (arXiv 2310.03744) on every patch."""

from torch import Tensor

from vlmcore.models.compressors.projector import Projected
from vlmcore.models.compressors.visual_tokens import check_fixed, checked_features
from vlmcore.models.vision import VisionFeatures


class MLP(Projected):
    """Turns every patch into a visual token: Linear, GELU, Linear, without a norm."""

    def forward(
        self,
        features: VisionFeatures,
        question: Tensor | None = None,
        *,
        visual_tokens: int | None = None,
    ) -> Tensor:
        """Visual tokens, float (b, p, language width); the question is ignored."""
        features = checked_features(features, self.vision)
        check_fixed(self.visual_tokens, visual_tokens)
        return self.projection(features.patches)
