"""LLaVA-1.5's projector (arXiv 2310.03744): the two-layer MLP that brings vision features to the width of the language model."""

from torch import nn


def projector(vision_width: int, language_width: int) -> nn.Sequential:
    """Linear, GELU, Linear, with biases: (..., vision_width) to (..., language_width)."""
    return nn.Sequential(
        nn.Linear(vision_width, language_width),
        nn.GELU(),
        nn.Linear(language_width, language_width),
    )
