"""Vision-language models whose image is compressed to V visual tokens.

    from vlmcore import VLM, VLMConfig, VisionEncoder, LanguageModel, fit, evaluate

These names are imported when they are first used, so that parts without torch, such as
`vlmcore.cost` and `vlmcore.scaling`, stay quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vlmcore.config import VLMConfig
    from vlmcore.evaluation.benchmarks import evaluate
    from vlmcore.models.compressors import COMPRESSORS
    from vlmcore.models.images import to_pixels
    from vlmcore.models.language import LanguageModel
    from vlmcore.models.vision import VisionEncoder
    from vlmcore.models.vlm import VLM
    from vlmcore.training.data import VQADataModule
    from vlmcore.training.module import VLMModule
    from vlmcore.training.stages import fit

__all__ = [
    "COMPRESSORS",
    "VLM",
    "LanguageModel",
    "VLMConfig",
    "VLMModule",
    "VQADataModule",
    "VisionEncoder",
    "evaluate",
    "fit",
    "to_pixels",
]

_HOMES = {
    "COMPRESSORS": "models.compressors",
    "LanguageModel": "models.language",
    "VLM": "models.vlm",
    "VLMConfig": "config",
    "VLMModule": "training.module",
    "VQADataModule": "training.data",
    "VisionEncoder": "models.vision",
    "evaluate": "evaluation.benchmarks",
    "fit": "training.stages",
    "to_pixels": "models.images",
}


def __getattr__(name: str) -> Any:
    """Imports a name of the front door when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_HOMES[name]}")
    return globals().setdefault(name, vars(module)[name])


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
