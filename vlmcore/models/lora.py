"""LoRA (arXiv 2106.09685): trainable low-rank matrices beside a frozen language model.

The matrices are peft's.
"""

from typing import Any, NamedTuple

from torch import nn

from vlmcore.config import LoRAConfig
from vlmcore.config.validation import check_kind
from vlmcore.models.language import LanguageModel


class AddedLoRA(NamedTuple):
    """The LoRA matrices of a language model, and their config."""

    config: LoRAConfig
    peft_model: Any
    """peft's wrapper of the transformers model, which it has changed in place."""


def add_lora(language: LanguageModel, config: LoRAConfig) -> None:
    """Adds LoRA matrices in single precision; outputs stay as they are at first.

    Raises:
        ModuleNotFoundError: peft is not installed.
        ValueError: the model has LoRA matrices already, or none of the matrices that
            the config names.
    """
    check_kind("language", language, LanguageModel, "give a LanguageModel")
    check_kind("config", config, LoRAConfig, "give a LoRAConfig")
    theirs = peft_config(config)
    from peft import LoraModel

    if language.lora:
        raise ValueError(
            "this language model has LoRA matrices already; merge_lora makes them part "
            "of it"
        )
    language.lora = AddedLoRA(config, LoraModel(language.model, theirs, "default"))
    for parameter in tuned(language):  # training steps are too small for half precision
        parameter.data = parameter.data.float()


def peft_config(config: LoRAConfig) -> Any:
    """The same in peft's words.

    Raises:
        ModuleNotFoundError: peft is not installed.
    """
    try:
        from peft import LoraConfig
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "LoRA needs peft; get it with: pip install peft"
        ) from error
    theirs = LoraConfig(r=config.rank, lora_alpha=config.alpha, task_type="CAUSAL_LM")
    theirs.target_modules = list(config.targets)  # a set has no order to be saved in
    return theirs


def merge_lora(language: LanguageModel) -> None:
    """Adds the LoRA updates to the model's own matrices, as `save_pretrained` needs."""
    if language.lora:
        language.model = language.lora.peft_model.merge_and_unload()
        language.lora = None


def tuned(language: LanguageModel) -> list[nn.Parameter]:
    """The parameters that stage 2 trains: LoRA's if there are any, otherwise all."""
    return [
        parameter
        for name, parameter in language.model.named_parameters()
        if not language.lora or ".lora_" in name
    ]
