"""Language models of transformers that fit, their sizes, and the text they can read."""

from typing import Any

from torch import Tensor
from transformers import (
    LlamaConfig,
    PreTrainedTokenizerBase,
    Qwen2Config,
)

from vlmcore.config import LanguageConfig
from vlmcore.config.validation import check_kind

LANGUAGE_FAMILIES = (
    "llama",
    "mistral",
    "qwen2",
    "qwen3",
    "smollm3",
    "phi3",
    "gemma",
    "granite",
)
"""Supported models, by transformers' model type: rotary positions, grouped heads and a
gated MLP, so that `LanguageConfig` holds their sizes and N counts their parameters (of
Qwen3 all but the norms of queries and keys)."""


def check_family(model_type: str) -> None:
    """Raises ValueError when a model is of none of the `LANGUAGE_FAMILIES`."""
    if model_type not in LANGUAGE_FAMILIES:
        raise ValueError(
            f"a {model_type!r} model cannot be the language model; choose one of the "
            f"families {', '.join(LANGUAGE_FAMILIES)}"
        )


def check_text(sizes: Any, embeddings: Any, new: int = 0) -> None:
    """Raises ValueError when embeddings do not fit a model, or exceed its context.

    Args:
        sizes: the transformers config.
        embeddings: float (b, t, e).
        new: tokens of the answer that will follow.
    """
    check_kind("embeddings", embeddings, Tensor, "give float (b, t, e)")
    shape, context = tuple(embeddings.shape), sizes.max_position_embeddings
    if len(shape) != 3 or shape[2] != sizes.hidden_size:
        raise ValueError(
            f"embeddings are of shape {shape}; give (b, t, e) with e = "
            f"{sizes.hidden_size}"
        )
    if shape[1] + new > context:
        answer = f" and {new} of the answer" if new else ""
        raise ValueError(
            f"{shape[1]} tokens of text and image{answer} exceed the context of "
            f"{context}; shorten the text or take fewer visual tokens"
        )


def check_length(length: Any, texts: int) -> None:
    """Raises ValueError when there is not a whole number for each text."""
    check_kind("length", length, Tensor, "give int (b,)")
    if length.shape != (texts,) or length.is_floating_point():
        raise ValueError(
            f"length is {length.dtype} {tuple(length.shape)}; give one whole number "
            f"for each of {texts} texts"
        )


def to_transformers(
    config: LanguageConfig, tokenizer: PreTrainedTokenizerBase
) -> LlamaConfig | Qwen2Config:
    """The transformers config of a model of these sizes: Llama's, or Qwen's."""
    sizes = {
        "vocab_size": config.vocab_size,
        "hidden_size": config.width,
        "num_hidden_layers": config.depth,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads or config.heads,
        "head_dim": config.head_width or config.width // config.heads,
        "intermediate_size": config.mlp_width,
        # 0.02 is right for thousands of channels and far too small for dozens
        "initializer_range": config.width**-0.5,
        "tie_word_embeddings": config.tied,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    return Qwen2Config(**sizes) if config.qkv_bias else LlamaConfig(**sizes)


def from_transformers(sizes: Any) -> LanguageConfig:
    """The sizes in a transformers config of one of the `LANGUAGE_FAMILIES`."""
    usual = sizes.hidden_size // sizes.num_attention_heads
    head_width = sizes.to_dict().get("head_dim") or usual
    return LanguageConfig(
        vocab_size=sizes.vocab_size,
        width=sizes.hidden_size,
        depth=sizes.num_hidden_layers,
        heads=sizes.num_attention_heads,
        kv_heads=_none_if(sizes.num_key_value_heads, sizes.num_attention_heads),
        head_width=_none_if(head_width, usual),
        mlp_width=sizes.intermediate_size,
        qkv_bias=sizes.model_type == "qwen2",
        tied=sizes.tie_word_embeddings,
    )


def _none_if(value: int, usual: int) -> int | None:
    return None if value == usual else value
