"""One function a figure. What a figure says in numbers it reads from what it draws; nothing is typed in."""

from vlmcore.plots.attention import coarse_and_fine, query_sources, region_attention
from vlmcore.plots.baselines import bent, ladder
from vlmcore.plots.benchmarks import (
    agreement,
    noise,
    options,
    paired_differences,
    scores,
    yes_bias,
)
from vlmcore.plots.choosing import (
    best_tokens,
    error_at_budget,
    flops_and_seconds,
    frontiers,
    shares_of_cost,
    tokens_by_budget,
)
from vlmcore.plots.comparison import by_count, differences, race
from vlmcore.plots.finding import finding
from vlmcore.plots.images import attention_over_images, samples_grid
from vlmcore.plots.laws import (
    beyond,
    by_size,
    curves,
    intervals,
    loss_map,
    searches,
    valley,
)
from vlmcore.plots.slider import with_slider
from vlmcore.plots.tasks import (
    along_a_budget,
    mixtures,
    similar_compute,
    tokens_by_ratio,
)
from vlmcore.plots.token_grid import cells, kept_patches, token_weights
from vlmcore.plots.training import accuracy_by_tokens, losses

__all__ = [
    "accuracy_by_tokens",
    "agreement",
    "along_a_budget",
    "attention_over_images",
    "bent",
    "best_tokens",
    "beyond",
    "by_count",
    "by_size",
    "cells",
    "coarse_and_fine",
    "curves",
    "differences",
    "error_at_budget",
    "finding",
    "flops_and_seconds",
    "frontiers",
    "intervals",
    "kept_patches",
    "ladder",
    "loss_map",
    "losses",
    "mixtures",
    "noise",
    "options",
    "paired_differences",
    "query_sources",
    "race",
    "region_attention",
    "samples_grid",
    "scores",
    "searches",
    "shares_of_cost",
    "similar_compute",
    "token_weights",
    "tokens_by_budget",
    "tokens_by_ratio",
    "valley",
    "with_slider",
    "yes_bias",
]
