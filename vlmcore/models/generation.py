"""Greedy generation by transformers, from embeddings and with settings of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, PreTrainedTokenizerBase

from vlmcore.models.prefix_cache import read_prefix


def generate_greedily(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    embeddings: Tensor,
    length: Tensor,
    max_new_tokens: int,
    shared_prefix: int = 0,
    stop: Sequence[int] = (),
) -> Tensor:
    """The most likely token, again and again, until an end token.

    Args:
        model: a transformers causal LM.
        tokenizer: names the end and padding tokens.
        embeddings: float (b, t, e), padded on the right.
        length: int (b,), embeddings that are not padding.
        max_new_tokens: the longest answer.
        shared_prefix: leading embeddings, the same in every row, that are run once.
        stop: tokens that end an answer, besides the model's own, and do not begin one.

    Returns:
        int (b, n), padded on the right.
    """
    width, prefix = embeddings.shape[1], shared_prefix
    position = torch.arange(width, device=length.device)
    # generation expects padding on the left: here it goes after the shared prefix
    padding = (width - length)[:, None]
    source = torch.where(position < prefix, position, (position - padding) % width)
    embeddings = embeddings.gather(1, source[..., None].expand_as(embeddings))
    real = (position < prefix) | (position >= prefix + padding)
    cache = read_prefix(model, embeddings, prefix).cache if prefix else None
    with _greedy(model, tokenizer, stop):
        return model.generate(
            inputs_embeds=embeddings,
            attention_mask=real.long(),
            past_key_values=cache,
            max_new_tokens=max_new_tokens,
        )


@contextmanager
def _greedy(
    model: Any, tokenizer: PreTrainedTokenizerBase, stop: Sequence[int]
) -> Iterator[None]:
    """Sets a checkpoint's generation settings aside, all but its end tokens.

    transformers fills the gaps of any settings with those of the checkpoint. With its
    repetition penalty, for one, the answer would not be the most likely tokens.
    """
    theirs = model.generation_config
    ends = theirs.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    model.generation_config = GenerationConfig(
        do_sample=False,
        eos_token_id=[*{*ends, *stop, tokenizer.eos_token_id} - {None}] or None,
        pad_token_id=tokenizer.pad_token_id,
        begin_suppress_tokens=list(stop) or None,
    )
    try:
        yield
    finally:
        model.generation_config = theirs
