"""Training of a vision-language model in stages, on Lightning."""

from vlmcore.training.data import Objective, TrainingData, VQADataModule
from vlmcore.training.module import VLMModule
from vlmcore.training.stages import TrainingConfig, fit
from vlmcore.training.trainer import StageConfig

__all__ = [
    "Objective",
    "StageConfig",
    "TrainingConfig",
    "TrainingData",
    "VLMModule",
    "VQADataModule",
    "fit",
]
