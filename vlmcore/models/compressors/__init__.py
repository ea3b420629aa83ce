"""Token compressors, one a file: from patches to V visual tokens of the language width.

All share one call, `compressor(features, question=None, *, visual_tokens=None)`, and
own their projection. A new one is a module, a config and an entry of `COMPRESSORS`.
"""

from typing import Any

from torch import nn

from vlmcore.config import VLMConfig
from vlmcore.config.validation import check_choice
from vlmcore.models.compressors.m3 import M3
from vlmcore.models.compressors.mlp import MLP
from vlmcore.models.compressors.mqt import MQT
from vlmcore.models.compressors.pool import Pool
from vlmcore.models.compressors.prumerge import PruMerge
from vlmcore.models.compressors.prumerge_plus import PruMergePlus
from vlmcore.models.compressors.quecc import QueCC
from vlmcore.models.compressors.tokenpacker import TokenPacker

COMPRESSORS: dict[str, Any] = {
    "mlp": MLP,
    "pool": Pool,
    "m3": M3,
    "mqt": MQT,
    "tokenpacker": TokenPacker,
    "quecc": QueCC,
    "prumerge": PruMerge,
    "prumerge_plus": PruMergePlus,
}
"""The module of each config, by the config's `name`."""


def build_compressor(config: VLMConfig) -> nn.Module | None:
    """The compressor that a config names; None for a blind model."""
    if config.compressor is None:
        return None
    check_choice("compressor", config.compressor.name, COMPRESSORS)
    return COMPRESSORS[config.compressor.name](
        config.compressor, config.vision, config.language.width, config.visual_tokens
    )
