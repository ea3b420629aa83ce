"""The language model of a vision-language model, and a tokenizer for miniatures.

Architecture, generation and caches are transformers'. `LanguageModel` adds the calls
that a vision-language model needs: `embed`, `forward` from embeddings,
`encode_question`, `generate`, and the prompt template around a question.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from vlmcore.config import LanguageConfig
from vlmcore.config.validation import check_kind, whole
from vlmcore.data.chat import ChatTemplate
from vlmcore.data.samples import TOKENIZER, PromptTemplate, as_texts, template_of
from vlmcore.folders import files_beside
from vlmcore.models.generation import generate_greedily
from vlmcore.models.language_families import (
    check_family,
    check_length,
    check_text,
    from_transformers,
    to_transformers,
)
from vlmcore.models.precision import four_bit_weights
from vlmcore.models.prefix_cache import hidden_after_prefix
from vlmcore.models.pretrained import find_checkpoint
from vlmcore.models.pretrained.checks import check_checkpoint, quiet_loading
from vlmcore.models.pretrained.tokenizer import read_tokenizer


class LanguageModel(nn.Module):
    """A causal language model and its tokenizer.

    Args:
        model: a transformers causal LM of one of the `LANGUAGE_FAMILIES`.
        tokenizer: with start, end and padding tokens.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
    ) -> None:
        super().__init__()
        check_kind("model", model, PreTrainedModel, "give a causal LM of transformers")
        check_kind("tokenizer", tokenizer, PreTrainedTokenizerBase, TOKENIZER)
        check_family(model.config.model_type)
        self.model: Any = model
        # generation passes a slice to the head; torch would copy the head's matrix for
        # every row of a tensor that is not contiguous
        model.get_output_embeddings().register_forward_pre_hook(_contiguous)
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
        check_kind("config", config, LanguageConfig, "give a LanguageConfig")
        check_kind("tokenizer", tokenizer, PreTrainedTokenizerBase, TOKENIZER)
        if (words := len(tokenizer)) > config.vocab_size:
            raise ValueError(
                f"the tokenizer has {words} words and the model {config.vocab_size}; "
                "raise vocab_size"
            )
        theirs: Any = to_transformers(config, tokenizer)
        return cls(AutoModelForCausalLM.from_config(theirs), tokenizer)

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path,
        *,
        dtype: torch.dtype = torch.float32,
        attention: str | None = None,
        four_bit: bool = False,
    ) -> "LanguageModel":
        """Loads a checkpoint in transformers' format, tokenizer included.

        Args:
            name: a folder or a name on the hub, as for `pretrained.find`.
            dtype: of the weights.
            attention: transformers' implementation; `eager` is faster on a CPU.
            four_bit: whether the layers' matrices are kept in four bits, to train LoRA
                matrices beside them (`precision.four_bit_weights`).

        Raises:
            FileNotFoundError: there is no checkpoint.
            ModuleNotFoundError: four bits are asked for, and bitsandbytes is missing.
            ValueError: the checkpoint is damaged, or of a family that is not supported.
        """
        check_kind("dtype", dtype, torch.dtype, "give one of torch's, such as float32")
        check_kind("attention", attention, str | None, "give a name or None")
        options = four_bit_weights() if four_bit else {}
        folder = find_checkpoint(name)
        check_checkpoint(folder)
        check_family(AutoConfig.from_pretrained(folder).model_type)
        with quiet_loading():
            model = AutoModelForCausalLM.from_pretrained(
                folder, dtype=dtype, attn_implementation=attention, **options
            )
        return cls(model, read_tokenizer(folder))

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes the checkpoint folder that `from_pretrained` reads.

        Raises:
            ValueError: the model has LoRA matrices beside its own, or a file in the
                folder would be replaced that is someone else's (`files_beside`).
        """
        if self.lora:
            raise ValueError(
                "this language model has LoRA matrices beside its own; call "
                "vlmcore.models.lora.merge_lora first, or save them alone with "
                "vlmcore.models.adapters.save_adapter"
            )
        with files_beside(folder) as partial, quiet_loading():
            self.model.save_pretrained(partial)
            self.tokenizer.save_pretrained(partial)

    def made_of(self) -> dict[str, Any]:
        """Everything that decides its answers."""
        words = self.tokenizer
        text = [words.get_vocab(), words.special_tokens_map, self.prompt_template]
        return {"sizes": self.config, "modules": self.model, "text": text}

    @property
    def config(self) -> LanguageConfig:
        """The model's sizes, from transformers' config."""
        return from_transformers(self.model.config)

    @property
    def layers(self) -> Any:
        """The transformer layers."""
        return self.model.base_model.layers

    def checkpoint_activations(self) -> None:
        """Has training recompute each layer in the backward pass, which saves memory.

        A step keeps the input of each layer only, and takes about a third longer.
        """
        recompute = partial(checkpoint, use_reentrant=False)
        for layer in self.layers:
            layer.gradient_checkpointing = True
            layer._gradient_checkpointing_func = recompute

    def embed(self, tokens: Tensor) -> Tensor:
        """Embeddings, float (b, t, e), of token numbers, int (b, t)."""
        hint = "give the numbers of tokens, int (b, t)"
        check_kind("tokens", tokens, Tensor, hint)
        table = self.model.get_input_embeddings()
        try:
            return table(tokens)
        except IndexError as error:
            raise ValueError(
                f"tokens up to {tokens.max()} are not in a vocabulary of "
                f"{len(table.weight)}; tokenise with the model's own tokenizer"
            ) from error

    @property
    def prompt_template(self) -> PromptTemplate | ChatTemplate:
        """The prompt template: the tokens around a question.

        As for `vlmcore.data.samples.template_of`.
        """
        return template_of(self.tokenizer)

    def forward(self, embeddings: Tensor, shared_prefix: int = 0) -> Tensor:
        """Last hidden states, float (b, t, e), of embeddings, float (b, t, e).

        Args:
            embeddings: of text and image, padded on the right: a causal model does not
                see that.
            shared_prefix: leading embeddings, the same in every row, that are run once.

        Raises:
            ValueError: the text is longer than the model's context.
        """
        check_text(self.model.config, embeddings)
        shared_prefix = whole("shared_prefix", shared_prefix, 0)
        # layers that are recomputed keep no keys and values of a prefix
        if shared_prefix and not any(x.gradient_checkpointing for x in self.layers):
            return hidden_after_prefix(self.model, embeddings, shared_prefix)
        run = self.model.base_model
        return run(inputs_embeds=embeddings, use_cache=False).last_hidden_state

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of the next token (..., vocabulary), from hidden states (..., e)."""
        return self.model.get_output_embeddings()(hidden)

    @torch.no_grad()
    def encode_question(self, question: Tensor, length: Tensor) -> Tensor:
        """The last state at the question's end (arXiv 2411.03312), without gradient.

        Args:
            question: int (b, q), padded on the right.
            length: int (b,), tokens that are not padding.

        Returns:
            float (b, e)
        """
        hidden = self(self.embed(question))
        check_length(length, len(hidden))
        return _last(hidden, length)

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

        Raises:
            ValueError: text and answer are longer than the model's context.
        """
        max_new_tokens = whole("max_new_tokens", max_new_tokens)
        check_text(self.model.config, embeddings, max_new_tokens)
        check_length(length, len(embeddings))
        tokens = generate_greedily(
            self.model,
            self.tokenizer,
            embeddings,
            length,
            max_new_tokens,
            whole("shared_prefix", shared_prefix, 0),
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
    text = "\n".join(as_texts("texts", texts))
    text = text.lower() if lower else text
    words = {word for word, _ in splitter.pre_tokenize_str(text)}
    vocabulary = ["<pad>", "<unk>", "<s>", "</s>", *sorted(words)]
    numbers = {word: number for number, word in enumerate(vocabulary)}
    tokenizer = Tokenizer(WordLevel(numbers, unk_token="<unk>"))
    if lower:
        tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = splitter
    special = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", **special
    )


def _contiguous(head: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return inputs[0].contiguous(), *inputs[1:]


def _last(hidden: Tensor, length: Tensor) -> Tensor:
    """The state of each row's last token, float (b, e)."""
    return hidden[torch.arange(len(hidden), device=hidden.device), length - 1]
