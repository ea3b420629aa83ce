"""The language model: a transformers causal LM that can be fed embeddings, asked for a question's state, and made to answer.

Everything hard is transformers': the architecture, generation, caches. What is added is the four calls a vision-language model needs
(`embed`, `forward` from embeddings, `encode_question`, `generate`) and a word-level tokenizer for the miniatures.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from vlmcore.config import LanguageConfig
from vlmcore.vision import check_checkpoint, quiet_loading


class LanguageModel(nn.Module):
    """A causal language model and its tokenizer.

    Args:
        model: any transformers causal LM.
        tokenizer: with start, end and padding tokens.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__()
        self.model: Any = model
        self.tokenizer = tokenizer

    @classmethod
    def from_config(cls, config: LanguageConfig, tokenizer: PreTrainedTokenizerBase) -> "LanguageModel":
        """An untrained model of these sizes.

        Raises:
            ValueError: the tokenizer knows more words than the model.
        """
        if len(tokenizer) > config.vocab_size:
            raise ValueError(f"the tokenizer has {len(tokenizer)} words and the model {config.vocab_size}; raise vocab_size")
        sizes = {
            "vocab_size": config.vocab_size,
            "hidden_size": config.width,
            "num_hidden_layers": config.depth,
            "num_attention_heads": config.heads,
            "num_key_value_heads": config.kv_heads or config.heads,
            "head_dim": config.head_width or config.width // config.heads,
            "intermediate_size": config.mlp_width,
            "initializer_range": config.width**-0.5,  # 0.02 is right for thousands of channels and far too small for dozens
            "tie_word_embeddings": config.tied,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        }
        model = Qwen2ForCausalLM(Qwen2Config(**sizes)) if config.qkv_bias else LlamaForCausalLM(LlamaConfig(**sizes))
        return cls(model, tokenizer)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> "LanguageModel":
        """Loads a checkpoint folder in transformers' format, tokenizer included.

        Raises:
            FileNotFoundError: the folder holds no checkpoint.
            ValueError: the checkpoint is damaged.
        """
        folder = Path(folder)
        check_checkpoint(folder)
        # a tokenizer.json is complete; the class that AutoTokenizer goes by model type would rebuild a word-level one as its own kind
        tokenizer = PreTrainedTokenizerFast if (folder / "tokenizer.json").exists() else AutoTokenizer
        with quiet_loading():
            return cls(AutoModelForCausalLM.from_pretrained(folder), tokenizer.from_pretrained(folder))

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes the checkpoint folder that `from_pretrained` reads."""
        with quiet_loading():
            self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    @property
    def config(self) -> LanguageConfig:
        """The model's sizes, read off transformers' config."""
        sizes = self.model.config
        return LanguageConfig(
            vocab_size=sizes.vocab_size,
            width=sizes.hidden_size,
            depth=sizes.num_hidden_layers,
            heads=sizes.num_attention_heads,
            kv_heads=_none_if(sizes.num_key_value_heads, sizes.num_attention_heads),
            head_width=_none_if(sizes.head_dim, sizes.hidden_size // sizes.num_attention_heads) if "head_dim" in sizes.to_dict() else None,
            mlp_width=sizes.intermediate_size,
            qkv_bias=sizes.model_type == "qwen2",
            tied=sizes.tie_word_embeddings,
        )

    def embed(self, tokens: Tensor) -> Tensor:
        """Token numbers (b, t) to embeddings (b, t, e)."""
        return self.model.get_input_embeddings()(tokens)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Embeddings (b, t, e) to last hidden states (b, t, e). Padding is on the right, where a causal model does not see it."""
        return self.model.base_model(inputs_embeds=embeddings, use_cache=False).last_hidden_state

    def logits(self, hidden: Tensor) -> Tensor:
        """Hidden states (..., e) to scores of the next word (..., vocabulary)."""
        return self.model.get_output_embeddings()(hidden)

    @torch.no_grad()
    def encode_question(self, question: Tensor, length: Tensor) -> Tensor:
        """The question's state: last layer, last token, no gradient (arXiv 2411.03312, section 4).

        Args:
            question: int (b, q), padded on the right.
            length: int (b,), tokens that are not padding.

        Returns:
            float (b, e)
        """
        hidden = self(self.embed(question))
        return hidden[torch.arange(len(hidden), device=hidden.device), length - 1]

    @torch.inference_mode()
    def generate(self, embeddings: Tensor, length: Tensor, max_new_tokens: int = 8) -> list[str]:
        """Answers greedily.

        Args:
            embeddings: float (b, t, e), padded on the right.
            length: int (b,), embeddings that are not padding.
            max_new_tokens: the longest answer.

        Returns:
            One text a row, without special tokens.
        """
        width = embeddings.shape[1]
        position = torch.arange(width, device=length.device)
        padding = (width - length)[:, None]  # generation wants the padding on the left
        rolled = (position - padding) % width
        embeddings = embeddings.gather(1, rolled[..., None].expand_as(embeddings))
        tokens = self.model.generate(
            inputs_embeds=embeddings,
            attention_mask=(position >= padding).long(),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            pad_token_id=self.tokenizer.pad_token_id,
        )
        return self.tokenizer.batch_decode(tokens, skip_special_tokens=True)


def word_tokenizer(texts: Iterable[str], *, lower: bool = True) -> PreTrainedTokenizerFast:
    """A tokenizer with one token for each word or punctuation mark in `texts`, and an unknown token for all others.

    Args:
        texts: what it must be able to write.
        lower: whether everything is put in lower case.

    Example:
        >>> word_tokenizer(["What colour?", "blue"]).tokenize("What blue?")
        ['what', 'blue', '?']
    """
    splitter = Whitespace()
    words = sorted({word for text in texts for word, _ in splitter.pre_tokenize_str(text.lower() if lower else text)})
    vocabulary = {word: i for i, word in enumerate(["<pad>", "<unk>", "<s>", "</s>", *words])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    if lower:
        tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = splitter
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
    )


def _none_if(value: int, usual: int) -> int | None:
    return None if value == usual else value
