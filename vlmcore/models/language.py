"""The language model of a vision-language model, and a tokenizer for miniatures.

Architecture, generation and caches are transformers'. `LanguageModel` adds the calls
that a vision-language model needs: `embed`, `forward` from embeddings,
`encode_question`, `generate`, and the prompt template around a question.
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
    AutoConfig,
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
from vlmcore.data.samples import PromptTemplate
from vlmcore.models.prefix_cache import hidden_after_prefix, read_prefix
from vlmcore.models.pretrained import find
from vlmcore.models.pretrained.checks import check_checkpoint, quiet_loading


class LanguageModel(nn.Module):
    """A causal language model and its tokenizer.

    Args:
        model: any transformers causal LM.
        tokenizer: with start, end and padding tokens.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
    ) -> None:
        super().__init__()
        self.model: Any = model
        # generation passes a slice to the head; torch would copy the head's matrix for
        # every row of a tensor that is not contiguous
        model.get_output_embeddings().register_forward_pre_hook(
            lambda head, inputs: (inputs[0].contiguous(), *inputs[1:])
        )
        self.tokenizer = tokenizer
        self.lora: Any = None  # set by `vlmcore.models.lora.add_lora`

    @classmethod
    def from_config(
        cls, config: LanguageConfig, tokenizer: PreTrainedTokenizerBase
    ) -> "LanguageModel":
        """An untrained model of these sizes.

        Raises:
            ValueError: the tokenizer knows more words than the model.
        """
        if (words := len(tokenizer)) > config.vocab_size:
            raise ValueError(
                f"the tokenizer has {words} words and the model {config.vocab_size}; "
                "raise vocab_size"
            )
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
        if config.qkv_bias:
            return cls(Qwen2ForCausalLM(Qwen2Config(**sizes)), tokenizer)
        return cls(LlamaForCausalLM(LlamaConfig(**sizes)), tokenizer)

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path,
        *,
        dtype: torch.dtype = torch.float32,
        attention: str | None = None,
    ) -> "LanguageModel":
        """Loads a checkpoint in transformers' format, tokenizer included.

        Args:
            name: a folder or a name on the hub, as for `pretrained.find`.
            dtype: of the weights.
            attention: transformers' implementation; `eager` is faster on a CPU.

        Raises:
            FileNotFoundError: there is no checkpoint.
            ValueError: the checkpoint is damaged, or not a causal language model.
        """
        folder = find(name)
        check_checkpoint(folder)
        config: Any = AutoConfig.from_pretrained(folder)
        if type(config) not in AutoModelForCausalLM._model_mapping:
            kind = config.model_type
            raise ValueError(
                f"{name} holds a {kind!r} model, which does not generate text; choose "
                "one such as Llama or Qwen"
            )
        # a tokenizer.json is complete; AutoTokenizer goes by the type of the model and
        # would rebuild a word-level tokenizer as one of its own kind
        complete = (folder / "tokenizer.json").exists()
        loader: Any = PreTrainedTokenizerFast if complete else AutoTokenizer
        with quiet_loading():
            model = AutoModelForCausalLM.from_pretrained(
                folder, dtype=dtype, attn_implementation=attention
            )
            tokenizer = loader.from_pretrained(folder)
        # Llama has no padding, Qwen no start; the end serves for both, as is usual
        for missing in ("pad_token", "bos_token"):
            if getattr(tokenizer, missing) is None:
                setattr(tokenizer, missing, tokenizer.eos_token)
        return cls(model, tokenizer)

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes the checkpoint folder that `from_pretrained` reads.

        Raises:
            ValueError: the model has LoRA matrices beside its own.
        """
        if self.lora:
            raise ValueError(
                "this language model has LoRA matrices beside its own; call "
                "vlmcore.models.lora.merge_lora first"
            )
        with quiet_loading():
            self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    @property
    def config(self) -> LanguageConfig:
        """The model's sizes, from transformers' config."""
        sizes = self.model.config
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

    def embed(self, tokens: Tensor) -> Tensor:
        """Embeddings, float (b, t, e), of token numbers, int (b, t)."""
        return self.model.get_input_embeddings()(tokens)

    @property
    def prompt_template(self) -> PromptTemplate:
        """The prompt template: the tokens around a question.

        They are those of the model's chat template, or the start token alone.
        """
        if not self.tokenizer.chat_template:
            return PromptTemplate([self.tokenizer.bos_token_id], [])
        mark = "\x00"
        turn = [{"role": "user", "content": mark}]
        text: Any = self.tokenizer.apply_chat_template(
            turn, add_generation_prompt=True, tokenize=False
        )
        encoded: Any = self.tokenizer(text.split(mark), add_special_tokens=False)
        return PromptTemplate(*encoded["input_ids"])

    def forward(self, embeddings: Tensor, shared_prefix: int = 0) -> Tensor:
        """Last hidden states, float (b, t, e), of embeddings, float (b, t, e).

        Padding is on the right, where a causal model does not see it.

        Args:
            embeddings: of text and image.
            shared_prefix: leading embeddings, the same in every row, that are run once.
        """
        if shared_prefix:
            return hidden_after_prefix(self.model, embeddings, shared_prefix)
        output = self.model.base_model(inputs_embeds=embeddings, use_cache=False)
        return output.last_hidden_state

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of the next token (..., vocabulary), from hidden states (..., e)."""
        return self.model.get_output_embeddings()(hidden)

    @torch.no_grad()
    def encode_question(self, question: Tensor, length: Tensor) -> Tensor:
        """The question's state (arXiv 2411.03312, section 4), without gradient.

        It is the last hidden state at the question's last token.

        Args:
            question: int (b, q), padded on the right.
            length: int (b,), tokens that are not padding.

        Returns:
            float (b, e)
        """
        return _last(self(self.embed(question)), length)

    def next_token(self, embeddings: Tensor, length: Tensor) -> Tensor:
        """The most likely token after each text, int (b,); as for `generate`."""
        return self.logits(_last(self(embeddings), length)).argmax(-1)

    @torch.inference_mode()
    def generate(
        self,
        embeddings: Tensor,
        length: Tensor,
        max_new_tokens: int = 8,
        shared_prefix: int = 0,
    ) -> list[str]:
        """Generates greedily, one text a row, without special tokens.

        Args:
            embeddings: float (b, t, e), padded on the right.
            length: int (b,), embeddings that are not padding.
            max_new_tokens: the longest answer.
            shared_prefix: as for `forward`.
        """
        width, prefix = embeddings.shape[1], shared_prefix
        position = torch.arange(width, device=length.device)
        # generation expects padding on the left: here it goes after the shared prefix
        padding = (width - length)[:, None]
        source = torch.where(position < prefix, position, (position - padding) % width)
        embeddings = embeddings.gather(1, source[..., None].expand_as(embeddings))
        real = (position < prefix) | (position >= prefix + padding)
        cache = read_prefix(self.model, embeddings, prefix).cache if prefix else None
        tokens = self.model.generate(
            inputs_embeds=embeddings,
            attention_mask=real.long(),
            past_key_values=cache,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            pad_token_id=self.tokenizer.pad_token_id,
        )
        return self.tokenizer.batch_decode(tokens, skip_special_tokens=True)


def word_tokenizer(
    texts: Iterable[str], *, lower: bool = True
) -> PreTrainedTokenizerFast:
    """A tokenizer with one token for each word or punctuation mark in `texts`.

    Args:
        texts: with all words of the vocabulary; any other is the unknown token.
        lower: whether texts are put in lower case.

    Example:
        >>> word_tokenizer(["What colour?", "blue"]).tokenize("What blue?")
        ['what', 'blue', '?']
    """
    splitter = Whitespace()
    text = "\n".join(texts)
    words = {
        word for word, _ in splitter.pre_tokenize_str(text.lower() if lower else text)
    }
    vocabulary = ["<pad>", "<unk>", "<s>", "</s>", *sorted(words)]
    numbers = {word: number for number, word in enumerate(vocabulary)}
    tokenizer = Tokenizer(WordLevel(numbers, unk_token="<unk>"))
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


def _last(hidden: Tensor, length: Tensor) -> Tensor:
    """The state of each row's last token, float (b, e)."""
    return hidden[torch.arange(len(hidden), device=hidden.device), length - 1]
