"""Parameters, floating-point operations and bytes as functions of a config; nothing here imports torch."""

from vlmcore.cost.compressors import (
    compressor_flops,
    compressor_parameters,
    linear_parameters,
    mlp_parameters,
    projection_parameters,
)
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
    "compressor_flops",
    "compressor_parameters",
    "exact_flops",
    "head_flops",
    "kv_cache_bytes",
    "language_flops",
    "language_parameters",
    "linear_parameters",
    "mlp_parameters",
    "paper_flops",
    "parameters",
    "projection_parameters",
    "vision_flops",
    "vision_parameters",
]
