"""Questions about images as tensors.

The number of visual tokens V appears nowhere here: an image enters a batch as a row
number and a position in the text, where the model inserts the visual prefix.

Shapes: n samples, b samples of a batch, t tokens of text, q tokens of the question
alone.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

from vlmcore.config import Order
from vlmcore.config.validation import (
    as_list,
    check_choice,
    check_kind,
    whole,
    wholes,
)
from vlmcore.data.chat import TEMPLATES, ChatTemplate, Encoded

TOKENIZER = "give a tokenizer of transformers"  # the way out, in messages
IGNORE = -100  # the label of a token that is not scored, as everywhere in torch


class Sample(NamedTuple):
    """One question about one image."""

    image: int
    """Row of the image in its data set."""
    question: str
    answer: str
    kind: str
    """The type of the question, for scores by type."""
    choices: int
    """Answers that make sense to this kind of question; chance is one over it."""


class Batch(NamedTuple):
    """Some samples as a model reads them. Rows are padded on the right."""

    image: Tensor
    """int (b,), rows of the images."""
    text: Tensor
    """int (b, t): the prompt (start token or opening of a chat, question) and, in
    training, the answer and the end token."""
    labels: Tensor
    """int (b, t): the answer and end token at their own positions, `IGNORE`
    elsewhere."""
    length: Tensor
    """int (b,): tokens of each text that are not padding."""
    image_at: Tensor
    """int (b,): the visual prefix is inserted before this position of the text."""
    question: Tensor
    """int (b, q): start token and question, for a compressor conditioned on it."""
    question_length: Tensor
    """int (b,)"""

    def to(self, device: torch.device | str) -> "Batch":
        """Returns the same batch on another device."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))


class PromptTemplate(NamedTuple):
    """The tokens before and after a question, such as the turns of a chat."""

    before: list[int]
    after: list[int]

    def encode(
        self,
        questions: list[str],
        answers: list[str] | None,
        tokenizer: PreTrainedTokenizerBase,
        order: Order,
    ) -> tuple[list[Encoded], list[list[int]]]:
        """Samples in this template, and their questions alone behind a start token."""
        start, end, _ = _special_tokens(tokenizer)
        asked = _tokenize_texts(questions, tokenizer)
        if [] in asked:
            where = f"the question of sample {asked.index([])}"
            raise ValueError(f"{where} is empty; every sample needs one")
        replies: list[list[int]] = [[] for _ in asked]
        if answers is not None:
            replies = [[*x, end] for x in _tokenize_texts(answers, tokenizer)]
        encoded = []
        for question, reply in zip(asked, replies, strict=True):
            prompt = [*self.before, *question, *self.after]
            scored = [False] * len(prompt) + [True] * len(reply)
            past = 0 if order == "image_first" else len(question)
            encoded.append(Encoded(prompt + reply, scored, len(self.before) + past))
        return encoded, [[start, *question] for question in asked]


class Tokens(Batch):
    """All samples of a data set, tokenised once."""

    def batch(self, rows: Tensor) -> Batch:
        """Returns the samples in `rows`, int (b,), padded to the longest of them.

        Raises:
            ValueError: there is no row, or none of that number.
        """
        if not isinstance(rows, Tensor):
            rows = torch.tensor(wholes("rows", rows, 0, "numbers of samples"))
        count = len(self.text)
        wrong = rows.ndim != 1 or not len(rows) or rows.is_floating_point()
        if wrong or rows.min() < 0 or rows.max() >= count:
            raise ValueError(
                f"rows {rows.tolist()} are not among {count} samples; give whole "
                f"numbers from 0 to {count - 1}"
            )
        part = Batch(*(tensor[rows] for tensor in self))
        text, question = int(part.length.max()), int(part.question_length.max())
        return part._replace(
            text=part.text[:, :text].long(),
            labels=part.labels[:, :text].long(),
            question=part.question[:, :question].long(),
        )


def template_of(tokenizer: PreTrainedTokenizerBase) -> PromptTemplate | ChatTemplate:
    """The tokens around a question: those of the chat template, or the start token.

    One of `vlmcore.data.chat.TEMPLATES` is returned as it is.
    """
    if not tokenizer.chat_template:
        return PromptTemplate([tokenizer.bos_token_id], [])
    if tokenizer.chat_template in TEMPLATES.values():
        return ChatTemplate(tokenizer.chat_template)
    mark = "\x00"
    turn = [{"role": "user", "content": mark}]
    text: Any = tokenizer.apply_chat_template(
        turn, add_generation_prompt=True, tokenize=False
    )
    encoded: Any = tokenizer(text.split(mark), add_special_tokens=False)
    return PromptTemplate(*encoded["input_ids"])


def tokenize(
    samples: Sequence[Sample],
    tokenizer: PreTrainedTokenizerBase,
    order: Order,
    *,
    answers: bool = True,
    template: PromptTemplate | ChatTemplate | None = None,
) -> Tokens:
    """Tokenises samples for one order of image and question.

    Args:
        samples: what to ask.
        tokenizer: has `bos_token_id`, `eos_token_id` and `pad_token_id`.
        order: `image_first` puts the image before the question, `question_first` right
            after it; both inside the template.
        answers: whether the answers follow, as in training, or are to be generated.
        template: of the prompt; by default only the start token before the question. A
            `ChatTemplate` has text on both sides of the image.

    Raises:
        ValueError: a question is empty or no text, there is no sample, the order is not
            known, or the tokenizer lacks a special token.
    """
    check_kind("tokenizer", tokenizer, PreTrainedTokenizerBase, TOKENIZER)
    check_choice("order", order, get_args(Order))
    kinds = PromptTemplate | ChatTemplate | None
    check_kind("template", template, kinds, "give a PromptTemplate or a ChatTemplate")
    samples = as_samples(samples)
    start, *_ = _special_tokens(tokenizer)
    questions = as_texts("questions", [sample.question for sample in samples])
    replies = as_texts("answers", [sample.answer for sample in samples])
    if not samples:
        raise ValueError("there is no sample to tokenise; give at least one question")
    chats, asked = (template or PromptTemplate([start], [])).encode(
        questions, replies if answers else None, tokenizer, order
    )
    images = torch.tensor([sample.image for sample in samples])
    return pad_chats(chats, asked, tokenizer)._replace(image=images)


def pad_chats(
    chats: Sequence[Encoded],
    questions: Sequence[list[int]],
    tokenizer: PreTrainedTokenizerBase,
) -> Tokens:
    """Conversations and their first questions as rows, of one image each."""
    *_, pad = _special_tokens(tokenizer)
    labels = [
        [x if scored else IGNORE for x, scored in zip(*chat[:2], strict=True)]
        for chat in chats
    ]
    return Tokens(
        image=torch.arange(len(chats)),
        text=_pad([chat.tokens for chat in chats], pad),
        labels=_pad(labels, IGNORE),
        length=torch.tensor([len(chat.tokens) for chat in chats]),
        image_at=torch.tensor([chat.image_at for chat in chats]),
        question=_pad(list(questions), pad),
        question_length=torch.tensor([len(question) for question in questions]),
    )


def as_texts(name: str, texts: Any) -> list[str]:
    """One text or many, of any sequence, as a list.

    Args:
        name: of the argument.
        texts: a text, or a list, tuple, array or column of texts.

    Raises:
        ValueError: one of them is no text.
    """
    for number, text in enumerate(found := as_list(name, texts)):
        check_kind(f"{name}[{number}]", text, str, "give a text, or a list of texts")
    return found


def as_samples(samples: Any) -> list[Sample]:
    """Samples as a list; ValueError when there is anything else among them."""
    found = as_list("samples", samples)
    for sample in found:
        check_kind("a sample", sample, Sample, "give a Sample")
    return [x._replace(image=whole("a sample's image", x.image, 0)) for x in found]


def rows_of_step(
    count: int, batch_size: int, seed: tuple[int, ...], step: int
) -> Tensor:
    """Returns the samples that a training step sees.

    This is a pure function, so that a resumed run sees the same samples as an
    undisturbed one. Every epoch is a new permutation, and no batch crosses two epochs.

    Returns:
        int (batch_size,), or (count,) for data smaller than a batch.
    """
    epoch, index = divmod(step, max(1, count // batch_size))
    order = np.random.default_rng((*seed, epoch)).permutation(count)
    return torch.from_numpy(order[index * batch_size : (index + 1) * batch_size])


def _special_tokens(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    names = ("bos_token_id", "eos_token_id", "pad_token_id")
    tokens = [getattr(tokenizer, name) for name in names]
    if None in tokens:
        raise ValueError(
            f"the tokenizer has no {names[tokens.index(None)]}; set one, for example "
            "tokenizer.pad_token = tokenizer.eos_token"
        )
    return tokens


def _tokenize_texts(
    texts: list[str], tokenizer: PreTrainedTokenizerBase
) -> list[list[int]]:
    """Returns the tokens of each text; a text that repeats is tokenised once."""
    unique, rows = np.unique(texts, return_inverse=True)
    tokens = tokenizer(unique.tolist(), add_special_tokens=False)["input_ids"]
    return [tokens[row] for row in rows]


def _pad(rows: list[list[int]], value: int) -> Tensor:
    tensors = [torch.tensor(row, dtype=torch.int32) for row in rows]
    return pad_sequence(tensors, batch_first=True, padding_value=value)
