"""One function a figure. What a figure says in numbers it reads from what it draws; nothing is typed in."""

from vlmcore.plots.attention import coarse_and_fine, query_sources, region_attention
from vlmcore.plots.buying import (
from vlmcore.plots.finding import finding
from vlmcore.plots.grid import cells, kept_patches, token_weights
from vlmcore.plots.images import attention_over_images, samples_grid
from vlmcore.plots.laws import beyond, curves, intervals, loss_map, searches, valley
from vlmcore.plots.race import by_count, differences, race
from vlmcore.plots.tasks import along_a_budget, mixtures, similar_compute, tokens_by_ratio
from vlmcore.plots.training import accuracy_by_tokens, losses

__all__ = [
    "(",
    "accuracy_by_tokens",
    "along_a_budget",
    "attention_over_images",
    "beyond",
    "by_count",
    "cells",
    "coarse_and_fine",
    "curves",
    "differences",
    "finding",
    "intervals",
    "kept_patches",
    "loss_map",
    "losses",
    "mixtures",
    "query_sources",
    "race",
    "region_attention",
    "samples_grid",
    "searches",
    "similar_compute",
    "token_weights",
    "tokens_by_ratio",
    "valley",
]
