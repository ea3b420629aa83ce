"""Parameters, operations and bytes as functions of a config; seconds by a fit."""

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
from vlmcore.cost.seconds import Speed, fit_speed
from vlmcore.cost.training import (
    DEVICES,
    Device,
    Spread,
    Texts,
    TrainingFlops,
    TrainingMemory,
    lora_parameters,
    trained_parameters,
    training_flops,
    training_memory,
)

__all__ = [
    "DEVICES",
    "Device",
    "Flops",
    "Parameters",
    "Speed",
    "Spread",
    "Texts",
    "TrainingFlops",
    "TrainingMemory",
    "exact_flops",
    "fit_speed",
    "head_flops",
    "kv_cache_bytes",
    "language_flops",
    "language_parameters",
    "lora_parameters",
    "paper_flops",
    "parameters",
    "trained_parameters",
    "training_flops",
    "training_memory",
    "vision_flops",
    "vision_parameters",
]
