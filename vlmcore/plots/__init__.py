"""One function a figure. What a figure says in numbers it reads from what it draws; nothing is typed in."""

from vlmcore.plots.attention import coarse_and_fine, query_sources, region_attention
from vlmcore.plots.finding import finding
from vlmcore.plots.images import attention_over_images, samples_grid
from vlmcore.plots.training import accuracy_by_tokens, losses

__all__ = [
    "accuracy_by_tokens",
    "attention_over_images",
    "coarse_and_fine",
    "finding",
    "losses",
    "query_sources",
    "region_attention",
    "samples_grid",
]
