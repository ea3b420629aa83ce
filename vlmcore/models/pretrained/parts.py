"""The parts of a model that a folder holds, and a user's wishes about them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

from vlmcore.config import CompressorConfig, VLMConfig
from vlmcore.config.validation import check_choice, check_kind
from vlmcore.data.chat import TEMPLATES
from vlmcore.models.language import LanguageModel
from vlmcore.models.pretrained.checks import quiet_loading
from vlmcore.models.pretrained.tokenizer import read_tokenizer
from vlmcore.models.vision import VisionEncoder


class Parts(NamedTuple):
    """The parts of a vision-language model, before they are joined."""

    config: VLMConfig
    vision: VisionEncoder
    language: LanguageModel
    load: Callable[[nn.Module], None]
    """Loads the weights of the compressor."""


class Wanted(NamedTuple):
    """Wishes about a released checkpoint; None takes what the checkpoint says."""

    visual_tokens: int | None = None
    """V, where the checkpoint does not say it (TokenPacker, M3) or leaves it open (MQT,
    by default all of its queries)."""
    compressor: CompressorConfig | None = None
    """Another compressor that works on LLaVA's projector, such as
    `PruMergePlusConfig()`."""
    vision: str | Path | None = None
    """Folder or hub name of the encoder, instead of the one in the config."""
    language: str | Path | None = None
    """The same of the language model, for a compressor after stage 1."""
    template: str | None = None
    """One of `vlmcore.data.chat.TEMPLATES`."""
    dtype: torch.dtype = torch.float32
    """Of the weights of encoder and language model."""

    def check(self) -> None:
        """Raises ValueError when a wish is of the wrong kind or not known."""
        hint = "give a config, such as PruMergeConfig()"
        check_kind("compressor", self.compressor, CompressorConfig | None, hint)
        check_choice("template", self.template or "plain", TEMPLATES)
        hint = "give one of torch's, such as float32"
        check_kind("dtype", self.dtype, torch.dtype, hint)


def language_of(
    sizes: Any,
    tensors: dict[str, Tensor],
    folder: Path,
    template: str | None,
    dtype: torch.dtype,
    usual: str,
) -> LanguageModel:
    """A language model from its tensors, with the tokenizer of a folder.

    Args:
        sizes: transformers' config.
        tensors: by transformers' names.
        folder: of the checkpoint.
        template: one of `TEMPLATES`; None keeps that of the tokenizer if it is one.
        dtype: of the weights.
        usual: the template of a tokenizer that has none of them.

    Raises:
        ValueError: a tensor is missing or of another shape, or the tokenizer cannot be
            read or does not fit.
    """
    with torch.device("meta"):
        kind: Any = type(AutoModelForCausalLM.from_config(sizes))
    with quiet_loading():
        model, report = kind.from_pretrained(
            None,
            config=sizes,
            state_dict=tensors,
            dtype=dtype,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    for name, theirs, mine in sorted(report["mismatched_keys"]):
        raise ValueError(
            f"{name} of {folder} is {tuple(theirs)}, and its config asks for "
            f"{tuple(mine)}; copy both from the same release"
        )
    if missing := sorted(report["missing_keys"]):
        more = f" and {len(missing) - 1} more" if missing[1:] else ""
        raise ValueError(
            f"{folder} lacks {missing[0]}{more} of the language model; copy all shards"
        )
    tokenizer = _tokenizer(folder, sizes.vocab_size, template, usual)
    return LanguageModel(model.eval(), tokenizer)


def _tokenizer(folder: Path, size: int, template: str | None, usual: str) -> Any:
    """The tokenizer of a folder, checked, with its template."""
    tokenizer = read_tokenizer(folder)
    if (words := len(tokenizer)) > size:
        raise ValueError(
            f"the tokenizer of {folder} has {words} tokens and the language model "
            f"{size}; copy both from the same release"
        )
    if template or tokenizer.chat_template not in TEMPLATES.values():
        tokenizer.chat_template = TEMPLATES[template or usual]
    return tokenizer
