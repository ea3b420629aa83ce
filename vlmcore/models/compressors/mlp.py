"""No compression: LLaVA-1.5's projector (arXiv 2310.03744) on every patch."""

from torch import Tensor, nn

from vlmcore.config import MLPConfig, VisionConfig
from vlmcore.models.compressors.projector import projector
from vlmcore.models.compressors.visual_tokens import check_fixed, checked_features
from vlmcore.models.vision import VisionFeatures


class MLP(nn.Module):
    """Turns every patch into a visual token: Linear, GELU, Linear, without a norm."""

    def __init__(
        self,
        config: MLPConfig,
        vision: VisionConfig,
        language_width: int,
        visual_tokens: int,
    ) -> None:
        super().__init__()
        config.check_visual_tokens(vision.side, visual_tokens)
        self.vision, self.visual_tokens = vision, visual_tokens
        self.projection = projector(vision.width, language_width)

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
