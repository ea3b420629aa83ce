"""LoRA (arXiv 2106.09685): small trainable matrices beside a language model's own, which stay as they are. The matrices are peft's."""

from torch import nn

from vlmcore.config import LoRAConfig
from vlmcore.models.language import LanguageModel


def add_lora(language: LanguageModel, config: LoRAConfig) -> None:
    """Puts LoRA's matrices into a language model, in single precision; the model says at first what it said before.

    Raises:
        ModuleNotFoundError: peft is not installed.
        ValueError: the model has LoRA's matrices already, or none of the matrices that
            the config names.
    """
    try:
        from peft import LoraConfig, LoraModel
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "LoRA needs peft; get it with: pip install peft"
        ) from error
    if language.lora:
        raise ValueError(
            "this language model has LoRA's matrices already; merge_lora makes them "
            "part of it"
        )
    theirs = LoraConfig(
        r=config.rank, lora_alpha=config.alpha, target_modules=list(config.targets)
    )
    language.lora.append(
        LoraModel(language.model, theirs, "default")
    )  # changes the model in place
    for parameter in tuned(language):
        parameter.data = (
            parameter.data.float()
        )  # the steps of training are too small for half precision


def merge_lora(language: LanguageModel) -> None:
    """Adds LoRA's matrices to the model's own and removes them, as `save_pretrained` needs it."""
    if language.lora:
        language.model = language.lora.pop().merge_and_unload()


def tuned(language: LanguageModel) -> list[nn.Parameter]:
    """What the second stage of training moves: LoRA's matrices where there are any, otherwise everything."""
    return [
        parameter
        for name, parameter in language.model.named_parameters()
        if not language.lora or ".lora_" in name
    ]
