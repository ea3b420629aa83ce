"""One function a figure. What a figure says in numbers it reads from what it draws; nothing is typed in."""

from vlmcore.plots.finding import finding
from vlmcore.plots.grid import cells, kept_patches, token_weights
from vlmcore.plots.images import attention_over_images, samples_grid
from vlmcore.plots.training import accuracy_by_tokens, losses

__all__ = [
    "accuracy_by_tokens",
    "attention_over_images",
    "cells",
    "finding",
    "kept_patches",
    "losses",
    "samples_grid",
    "token_weights",
]
