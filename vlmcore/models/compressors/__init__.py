"""Token compressors: from the patches of an image to V visual tokens in the width of the language model, one idea a file.

All share one call, `compressor(features, question=None, *, visual_tokens=None)`, and
own their projection.
"""

from typing import Any

from torch import nn

from vlmcore.config import VLMConfig
from vlmcore.models.compressors.m3 import M3
from vlmcore.models.compressors.mlp import MLP
from vlmcore.models.compressors.mqt import MQT
from vlmcore.models.compressors.pool import Pool
from vlmcore.models.compressors.prumerge import PruMerge
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
}


def build_compressor(config: VLMConfig) -> nn.Module | None:
    """The compressor that a config names; None for a blind model."""
    if config.compressor is None:
        return None
    return COMPRESSORS[config.compressor.name](
        config.compressor, config.vision, config.language.width, config.visual_tokens
    )
