"""LLaVA-1.5's projector (arXiv 2310.03744): a two-layer MLP to the language width.

Compressors that learn nothing else are `Projected`.
"""

from typing import Any

from torch import nn

from vlmcore.config import VisionConfig


def projector(vision_width: int, language_width: int) -> nn.Sequential:
    """Linear, GELU, Linear: (..., vision width) to (..., language width)."""
    return nn.Sequential(
        nn.Linear(vision_width, language_width),
        nn.GELU(),
        nn.Linear(language_width, language_width),
    )


class Projected(nn.Module):
    """A compressor that learns its projector alone."""

    def __init__(
        self,
        config: Any,
        vision: VisionConfig,
        language_width: int,
        visual_tokens: int,
    ) -> None:
        super().__init__()
        config.check_visual_tokens(vision.side, visual_tokens)
        self.config, self.vision, self.visual_tokens = config, vision, visual_tokens
        self.projection = projector(vision.width, language_width)
