"""One function a figure; numbers in its text are read from what it draws."""

from vlmcore.plots.attention import coarse_and_fine, query_sources, region_attention
from vlmcore.plots.baselines import baseline_scores, fits_by_size
from vlmcore.plots.benchmarks import (
    benchmark_scores,
    circular_accuracy,
    required_sample_sizes,
    vqa_agreement,
    yes_bias,
)
from vlmcore.plots.choosing import (
    cost_shares,
    error_at_budget,
    flops_and_seconds,
    optimal_tokens_by_budget,
    optimal_tokens_by_text,
)
from vlmcore.plots.comparison import (
    accuracy_by_count,
    compressor_comparison,
    paired_differences,
)
from vlmcore.plots.costs import (
    cost_by_tokens,
    memory_parts,
    prefill_cost,
    prefill_seconds,
    seconds_by_tokens,
    stage_seconds,
    times_as_fast,
)
from vlmcore.plots.encoder import patch_maps, probes_by_layer
from vlmcore.plots.frontiers import fitted_frontier, measured_frontier
from vlmcore.plots.grid import error_by_exposures, errors_and_bounds
from vlmcore.plots.images import attention_over_images, samples_grid
from vlmcore.plots.ladder import trained_and_exact
from vlmcore.plots.laws import error_by_size, error_by_tokens, extrapolation
from vlmcore.plots.slider import with_slider
from vlmcore.plots.tasks import (
    optimal_tokens_by_ratio,
    similar_compute,
    task_mixtures,
    tasks_at_budget,
)
from vlmcore.plots.token_grid import kept_patches, pooled_cells, token_weights
from vlmcore.plots.training import accuracy_by_tokens, losses, memory_by_devices
from vlmcore.plots.uncertainty import intervals, loss_map, profile_of_d, random_searches

__all__ = [
    "accuracy_by_count",
    "accuracy_by_tokens",
    "attention_over_images",
    "baseline_scores",
    "benchmark_scores",
    "circular_accuracy",
    "coarse_and_fine",
    "compressor_comparison",
    "cost_by_tokens",
    "cost_shares",
    "error_at_budget",
    "error_by_exposures",
    "error_by_size",
    "error_by_tokens",
    "errors_and_bounds",
    "extrapolation",
    "fits_by_size",
    "fitted_frontier",
    "flops_and_seconds",
    "intervals",
    "kept_patches",
    "loss_map",
    "losses",
    "measured_frontier",
    "memory_by_devices",
    "memory_parts",
    "optimal_tokens_by_budget",
    "optimal_tokens_by_ratio",
    "optimal_tokens_by_text",
    "paired_differences",
    "patch_maps",
    "pooled_cells",
    "prefill_cost",
    "prefill_seconds",
    "probes_by_layer",
    "profile_of_d",
    "query_sources",
    "random_searches",
    "region_attention",
    "required_sample_sizes",
    "samples_grid",
    "seconds_by_tokens",
    "similar_compute",
    "stage_seconds",
    "task_mixtures",
    "tasks_at_budget",
    "times_as_fast",
    "token_weights",
    "trained_and_exact",
    "vqa_agreement",
    "with_slider",
    "yes_bias",
]
