"""Sizes of every part as frozen dataclasses: the one place where a shape is decided.

The two dials of the book are `VLMConfig.language` (its size is N) and
`VLMConfig.visual_tokens` (V). A config is validated when it is made, stores nothing
that can be derived, and turns into plain JSON and back (`to_dict`, `from_dict`).
Nothing here imports torch.
"""

from vlmcore.config.as_dict import from_dict, replace, to_dict
from vlmcore.config.base import Axes, CompressorConfig, SharedWeights, StageName
from vlmcore.config.compressors import (
    M3Config,
    MLPConfig,
    MQTConfig,
    PoolConfig,
    QueCCConfig,
    TokenPackerConfig,
)
from vlmcore.config.language import LanguageConfig, LoRAConfig
from vlmcore.config.presets import (
    CLIP_L_336,
    LANGUAGE_SIZES,
    PAPER,
    QWEN25,
    SMOLLM2_135M,
    VICUNA_7B,
    VICUNA_13B,
)
from vlmcore.config.prumerge import PruMergeConfig, PruMergePlusConfig
from vlmcore.config.recipes import BASE, Hardware, Recipe, StageRecipe
from vlmcore.config.vision import VisionConfig
from vlmcore.config.vlm import Order, VLMConfig

__all__ = [
    "BASE",
    "CLIP_L_336",
    "LANGUAGE_SIZES",
    "PAPER",
    "QWEN25",
    "SMOLLM2_135M",
    "VICUNA_7B",
    "VICUNA_13B",
    "Axes",
    "CompressorConfig",
    "Hardware",
    "LanguageConfig",
    "LoRAConfig",
    "M3Config",
    "MLPConfig",
    "MQTConfig",
    "Order",
    "PoolConfig",
    "PruMergeConfig",
    "PruMergePlusConfig",
    "QueCCConfig",
    "Recipe",
    "SharedWeights",
    "StageName",
    "StageRecipe",
    "TokenPackerConfig",
    "VLMConfig",
    "VisionConfig",
    "from_dict",
    "replace",
    "to_dict",
]
