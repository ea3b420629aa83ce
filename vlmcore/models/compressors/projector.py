"""LLaVA-1.5's projector (arXiv 2310.03744): a two-layer MLP to the language width."""

from torch import nn


def projector(vision_width: int, language_width: int) -> nn.Sequential:
    """Linear, GELU, Linear: (..., vision width) to (..., language width)."""
    return nn.Sequential(
        nn.Linear(vision_width, language_width),
        nn.GELU(),
        nn.Linear(language_width, language_width),
    )
