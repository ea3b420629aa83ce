"""Questions about images as tensors. V is nowhere in here: the image enters a batch as a row number and a place in the text.

Shapes: n samples, b samples of a batch, t tokens of text, q tokens of the question
alone.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

from vlmcore.config import Order

IGNORE = -100  # the label of a token that is not scored, as everywhere in torch


class Sample(NamedTuple):
    """One question about one image."""

    image: int
    """Row of the image in its data set."""
    question: str
    answer: str
    kind: str
    """What is asked, for scores by question type."""
    choices: int
    """Answers that make sense to this kind of question; chance is one over it."""


class Batch(NamedTuple):
    """What a model needs to see of some samples. Rows are padded on the right."""

    image: Tensor
    """int (b,), rows of the images."""
    text: Tensor
    """int (b, t): start token or opening of a chat, question and, in training, answer
    and end token."""
    labels: Tensor
    """int (b, t): the answer and end token at their own places, `IGNORE` elsewhere."""
    length: Tensor
    """int (b,): tokens of each text that are not padding."""
    image_at: Tensor
    """int (b,): the block of visual tokens goes before this position of the text."""
    question: Tensor
    """int (b, q): start token and question alone, for a compressor that reads it."""
    question_length: Tensor
    """int (b,)"""

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on another device."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))


class Frame(NamedTuple):
    """Tokens that stand around a question, such as the turns of a chat."""

    before: list[int]
    after: list[int]


class Tokens(NamedTuple):
    """All samples of a data set, tokenised once; `batch` cuts from it without a loop over samples."""

    image: Tensor
    text: Tensor
    labels: Tensor
    length: Tensor
    image_at: Tensor
    question: Tensor
    question_length: Tensor

    def batch(self, rows: Tensor) -> Batch:
        """The samples in `rows`, int (b,), with padding cut back to the longest of them."""
        part = [tensor[rows] for tensor in self]
        text, asked = int(part[3].max()), int(part[6].max())
        return Batch(
            part[0],
            part[1][:, :text].long(),
            part[2][:, :text].long(),
            part[3],
            part[4],
            part[5][:, :asked].long(),
            part[6],
        )


def tokenize(
    samples: Sequence[Sample],
    tokenizer: PreTrainedTokenizerBase,
    order: Order,
    *,
    answers: bool = True,
    frame: Frame | None = None,
) -> Tokens:
    """Tokenises samples for one order of image and question.

    Args:
        samples: what to ask.
        tokenizer: has `bos_token_id`, `eos_token_id` and `pad_token_id`.
        order: `image_first` puts the image before the question, `question_first` right
            after it; both inside the frame.
        answers: whether the answers follow the questions, as training needs, or are to
            be generated.
        frame: what stands around a question, as `LanguageModel.frame` says; by default
            only the start token before it.

    Raises:
        ValueError: a question is empty, there is no sample, or the tokenizer lacks a
            special token.
    """
    for token in ("bos_token_id", "eos_token_id", "pad_token_id"):
        if getattr(tokenizer, token) is None:
            raise ValueError(
                f"the tokenizer has no {token}; set one, for example "
                "tokenizer.pad_token = tokenizer.eos_token"
            )
    if not samples:
        raise ValueError("there is no sample to tokenise; give at least one question")
    asked, question_row = _tokenize_unique(
        [sample.question for sample in samples], tokenizer
    )
    said, answer_row = _tokenize_unique(
        [sample.answer for sample in samples], tokenizer
    )
    if empty := [i for i, row in enumerate(question_row) if not asked[row]]:
        raise ValueError(
            f"the question of sample {empty[0]} is empty; every sample needs one"
        )
    start, end, pad = (
        tokenizer.bos_token_id,
        tokenizer.eos_token_id,
        tokenizer.pad_token_id,
    )
    before, after = frame or Frame([start], [])

    texts, labels = [], []
    for q, a in zip(question_row, answer_row, strict=True):
        prompt, answer = (
            [*before, *asked[q], *after],
            [*said[a], end] if answers else [],
        )
        texts.append(torch.tensor([*prompt, *answer], dtype=torch.int32))
        labels.append(torch.tensor([IGNORE] * len(prompt) + answer, dtype=torch.int32))
    questions = [
        torch.tensor([start, *asked[q]], dtype=torch.int32) for q in question_row
    ]
    question_length = torch.tensor([len(q) for q in questions])
    first = torch.full_like(question_length, len(before))
    return Tokens(
        image=torch.tensor([sample.image for sample in samples]),
        text=pad_sequence(texts, batch_first=True, padding_value=pad),
        labels=pad_sequence(labels, batch_first=True, padding_value=IGNORE),
        length=torch.tensor([len(text) for text in texts]),
        image_at=first if order == "image_first" else first + question_length - 1,
        question=pad_sequence(questions, batch_first=True, padding_value=pad),
        question_length=question_length,
    )


def rows_of_step(
    count: int, batch_size: int, seed: tuple[int, ...], step: int
) -> Tensor:
    """Which samples training step `step` sees: a pure function, so that a resumed run sees what an undisturbed one would.

    Every pass over the data is a fresh permutation; a batch never crosses two passes.

    Returns:
        int (batch_size,), or (count,) for data smaller than a batch.
    """
    per_pass = max(1, count // batch_size)
    epoch, index = divmod(step, per_pass)
    order = np.random.default_rng((*seed, epoch)).permutation(count)
    return torch.from_numpy(order[index * batch_size : (index + 1) * batch_size])


def _tokenize_unique(
    texts: list[str], tokenizer: PreTrainedTokenizerBase
) -> tuple[list[list[int]], np.ndarray]:
    """Tokens of every different text, and which of them each text is."""
    unique, rows = np.unique(texts, return_inverse=True)
    return tokenizer(unique.tolist(), add_special_tokens=False)["input_ids"], rows
