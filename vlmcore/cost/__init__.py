"""Parameters, floating-point operations and bytes as functions of a config."""

from vlmcore.cost.model import (
    Flops,
    Parameters,
    exact_flops,
    head_flops,
    kv_cache_bytes,
    language_flops,
    language_parameters,
    paper_flops,
    parameters,
    vision_flops,
    vision_parameters,
)

__all__ = [
    "Flops",
    "Parameters",
    "exact_flops",
    "head_flops",
    "kv_cache_bytes",
    "language_flops",
    "language_parameters",
    "paper_flops",
    "parameters",
    "vision_flops",
    "vision_parameters",
]
