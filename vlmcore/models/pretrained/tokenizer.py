"""The tokenizer of a checkpoint folder, with start, end and padding tokens."""

from pathlib import Path
from typing import Any

from transformers import (
    AutoTokenizer,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from vlmcore.models.pretrained.checks import quiet_loading


def read_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Reads `tokenizer.json`, or whatever else AutoTokenizer finds.

    Raises:
        ValueError: the folder holds no tokenizer that can be read.
    """
    # a tokenizer.json is complete; AutoTokenizer goes by the type of the model and
    # would rebuild a word-level tokenizer as one of its own kind
    complete = (folder / "tokenizer.json").exists()
    loader: Any = PreTrainedTokenizerFast if complete else AutoTokenizer
    try:
        with quiet_loading():
            tokenizer = loader.from_pretrained(folder)
    except Exception as error:  # each kind of tokenizer fails in its own way
        sentencepiece = (folder / "tokenizer.model").exists()
        way = "pip install sentencepiece" if sentencepiece else "add tokenizer.json"
        raise ValueError(
            f"{folder} holds no tokenizer that can be read here; {way}"
        ) from error
    # Llama has no padding, Qwen no start; the end serves for both, as is usual
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    tokenizer.bos_token = tokenizer.bos_token or tokenizer.eos_token
    return tokenizer
