"""The language model: a transformers causal LM that can be fed embeddings, asked for a question's state, and made to answer.

Everything hard is transformers': the architecture, generation, caches. What is added is
the four calls a vision-language model needs (`embed`, `forward` from embeddings,
`encode_question`, `generate`), the frame that a chat puts around a question, and a
word-level tokenizer for the miniatures. Embeddings that begin the same in every row are
read once for all of them.
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
    DynamicCache,
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
        # generation hands on a slice; torch would copy the head's matrix once for each
        # row of what is not contiguous
        model.get_output_embeddings().register_forward_pre_hook(
            lambda head, inputs: (inputs[0].contiguous(), *inputs[1:])
        )
        self.tokenizer = tokenizer
        self.lora: list[Any] = []  # what `vlmcore.models.lora` put in

    @classmethod
    def from_config(
        cls, config: LanguageConfig, tokenizer: PreTrainedTokenizerBase
    ) -> "LanguageModel":
        """An untrained model of these sizes.

        Raises:
            ValueError: the tokenizer knows more words than the model.
        """
        if len(tokenizer) > config.vocab_size:
            raise ValueError(
                f"the tokenizer has {len(tokenizer)} words and the model "
                f"{config.vocab_size}; raise vocab_size"
            )
        sizes = {
            "vocab_size": config.vocab_size,
            "hidden_size": config.width,
            "num_hidden_layers": config.depth,
            "num_attention_heads": config.heads,
            "num_key_value_heads": config.kv_heads or config.heads,
            "head_dim": config.head_width or config.width // config.heads,
            "intermediate_size": config.mlp_width,
            "initializer_range": config.width
            # 0.02 is right for thousands of channels and far too small for dozens
            ** -0.5,
            "tie_word_embeddings": config.tied,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        }
        model = (
            Qwen2ForCausalLM(Qwen2Config(**sizes))
            if config.qkv_bias
            else LlamaForCausalLM(LlamaConfig(**sizes))
        )
        return cls(model, tokenizer)

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
            name: a folder, or a name on the hub; see `vlmcore.models.pretrained.find`.
            dtype: of the weights.
            attention: which of transformers' implementations, its own choice if None.
                On a CPU `eager` trains twice as fast.

        Raises:
            FileNotFoundError: there is no checkpoint.
            ValueError: the checkpoint is damaged, or not a causal language model.
        """
        folder = find(name)
        check_checkpoint(folder)
        config: Any = AutoConfig.from_pretrained(folder)
        if type(config) not in AutoModelForCausalLM._model_mapping:
            raise ValueError(
                f"{name} holds a {config.model_type!r} model, which does not generate "
                "text; choose one such as Llama or Qwen"
            )
        # a tokenizer.json is complete; the class that AutoTokenizer goes by model type
        # would rebuild a word-level one as its own kind
        loader = (
            PreTrainedTokenizerFast
            if (folder / "tokenizer.json").exists()
            else AutoTokenizer
        )
        with quiet_loading():
            model = AutoModelForCausalLM.from_pretrained(
                folder, dtype=dtype, attn_implementation=attention
            )
            tokenizer = loader.from_pretrained(folder)
        for missing in (
            "pad_token",
            "bos_token",
        ):  # Llama has no padding, Qwen no start; the end serves for both, as is usual
            if getattr(tokenizer, missing) is None:
                setattr(tokenizer, missing, tokenizer.eos_token)
        return cls(model, tokenizer)

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes the checkpoint folder that `from_pretrained` reads.

        Raises:
            ValueError: the model has LoRA's matrices beside its own.
        """
        if self.lora:
            raise ValueError(
                "this language model has LoRA's matrices beside its own; call "
                "vlmcore.models.lora.merge_lora first"
            )
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
            head_width=_none_if(
                sizes.head_dim, sizes.hidden_size // sizes.num_attention_heads
            )
            if "head_dim" in sizes.to_dict()
            else None,
            mlp_width=sizes.intermediate_size,
            qkv_bias=sizes.model_type == "qwen2",
            tied=sizes.tie_word_embeddings,
        )

    def embed(self, tokens: Tensor) -> Tensor:
        """Token numbers (b, t) to embeddings (b, t, e)."""
        return self.model.get_input_embeddings()(tokens)

    @property
    def prompt_template(self) -> PromptTemplate:
        """What stands around a question: the turns of the model's own chat template, or only the start token where it has none."""
        if not self.tokenizer.chat_template:
            return PromptTemplate([self.tokenizer.bos_token_id], [])
        mark = "\x00"
        turn = [{"role": "user", "content": mark}]
        text: Any = self.tokenizer.apply_chat_template(
            turn, add_generation_prompt=True, tokenize=False
        )
        before, after = text.split(mark)
        return PromptTemplate(
            *(
                self.tokenizer(part, add_special_tokens=False)["input_ids"]
                for part in (before, after)
            )
        )

    def forward(self, embeddings: Tensor, shared: int = 0) -> Tensor:
        """Embeddings (b, t, e) to last hidden states (b, t, e). Padding is on the right, where a causal model does not see it.

        Args:
            embeddings: of text and image.
            shared: leading embeddings that are the same in every row; they are read
                once, with gradient.
        """
        if not shared:
            return self.model.base_model(
                inputs_embeds=embeddings, use_cache=False
            ).last_hidden_state
        opening, cache = self._read_once(embeddings, shared)
        rest = self.model.base_model(
            inputs_embeds=embeddings[:, shared:], past_key_values=cache, use_cache=True
        )
        return torch.cat(
            [opening.expand(len(embeddings), -1, -1), rest.last_hidden_state], dim=1
        )

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

    def next_token(self, embeddings: Tensor, length: Tensor) -> Tensor:
        """The likeliest token after each text, int (b,); `embeddings` (b, t, e) are padded on the right, `length` (b,) says from where."""
        hidden = self(embeddings)
        return self.logits(
            hidden[torch.arange(len(hidden), device=hidden.device), length - 1]
        ).argmax(-1)

    @torch.inference_mode()
    def generate(
        self,
        embeddings: Tensor,
        length: Tensor,
        max_new_tokens: int = 8,
        shared: int = 0,
    ) -> list[str]:
        """Answers greedily.

        Args:
            embeddings: float (b, t, e), padded on the right.
            length: int (b,), embeddings that are not padding.
            max_new_tokens: the longest answer.
            shared: leading embeddings that are the same in every row; they are read
                once.

        Returns:
            One text a row, without special tokens.
        """
        width = embeddings.shape[1]
        position = torch.arange(width, device=length.device)
        padding = (width - length)[
            :, None
        ]  # generation wants the padding before the end: here behind what is shared
        source = torch.where(position < shared, position, (position - padding) % width)
        embeddings = embeddings.gather(1, source[..., None].expand_as(embeddings))
        tokens = self.model.generate(
            inputs_embeds=embeddings,
            attention_mask=(
                (position < shared) | (position >= shared + padding)
            ).long(),
            past_key_values=self._read_once(embeddings, shared)[1] if shared else None,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            pad_token_id=self.tokenizer.pad_token_id,
        )
        return self.tokenizer.batch_decode(tokens, skip_special_tokens=True)

    def _read_once(
        self, embeddings: Tensor, shared: int
    ) -> tuple[Tensor, DynamicCache]:
        """Hidden states of the first row's leading embeddings, float (1, shared, e), and their keys and values for every row."""
        opening = self.model.base_model(
            inputs_embeds=embeddings[:1, :shared], use_cache=True
        )
        opening.past_key_values.batch_repeat_interleave(len(embeddings))
        return opening.last_hidden_state, opening.past_key_values


def word_tokenizer(
    texts: Iterable[str], *, lower: bool = True
) -> PreTrainedTokenizerFast:
    """A tokenizer with one token for each word or punctuation mark in `texts`, and an unknown token for all others.

    Args:
        texts: what it must be able to write.
        lower: whether everything is put in lower case.

    Example:
        >>> word_tokenizer(["What colour?", "blue"]).tokenize("What blue?")
        ['what', 'blue', '?']
    """
    splitter = Whitespace()
    words = sorted(
        {
            word
            for text in texts
            for word, _ in splitter.pre_tokenize_str(text.lower() if lower else text)
        }
    )
    vocabulary = {
        word: i for i, word in enumerate(["<pad>", "<unk>", "<s>", "</s>", *words])
    }
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
