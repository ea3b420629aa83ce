"""Text pre-training on scene tokens, before a miniature language model sees an image.

A scene token is one embedding for a part of a scene: the sum of the embeddings of its
words, where it is and what is there ("r2c3", "red", "circle"). Scene tokens stand in
the text exactly where visual tokens will stand, so the model learns to look things up
among them before there is an image, and a compressor has to learn to write such tokens.
Large language models learn this from text at large; a miniature that reads sentences
alone does not learn it in the time there is.
"""

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from vlmcore.config import LanguageConfig, replace
from vlmcore.data.samples import Batch, Sample, rows_of_step, tokenize
from vlmcore.data.synthetic.letters_and_shapes import (
    DESCRIPTION_WORDS,
    QUESTION_WORDS,
    WORLDS,
)
from vlmcore.models.language import LanguageModel, word_tokenizer
from vlmcore.models.splicing import splice
from vlmcore.training.module import Stage
from vlmcore.training.steps import StepData
from vlmcore.training.trainer import StageConfig, run

TEXT_SCENES = 20_000
"""Scenes of each world."""
TOKENS_PER_SCENE = (1, 4, 16)
"""Numbers of scene tokens, in turn."""


class SceneBatch(NamedTuple):
    """One training step: questions and the descriptions of their scenes."""

    batch: Batch
    words: Tensor
    """int (b, cells, w): the words for each cell, with padding for none."""
    tokens: int
    """Scene tokens that the descriptions become."""
    position_words: int = 0
    """The first words of a cell that name its position."""


def pretrain_on_scene_tokens(
    folder: str | Path,
    config: LanguageConfig,
    stage: StageConfig,
    seed: int = 0,
    **options: Any,
) -> LanguageModel:
    """Trains a language model from nothing on scene tokens of the comparison's worlds.

    Args:
        folder: for logs and the checkpoint of an interrupted run.
        config: sizes; the vocabulary becomes the words of the worlds.
        stage: steps, batch and learning rate.
        seed: of weights, scenes and order.
        **options: of `trainer.run`.
    """
    scenes = [world((seed, 1), TEXT_SCENES, draw=False) for world in WORLDS.values()]
    samples = [sample for scene in scenes for sample in scene.samples]
    samples = [sample._replace(image=row) for row, sample in enumerate(samples)]
    tokenizer = word_tokenizer([*DESCRIPTION_WORDS, *QUESTION_WORDS])
    descriptions = np.concatenate([scene.descriptions for scene in scenes])
    return pretrain_on_scenes(
        folder, config, stage, tokenizer, samples, descriptions, seed, **options
    )


def pretrain_on_scenes(
    folder: str | Path,
    config: LanguageConfig,
    stage: StageConfig,
    tokenizer: PreTrainedTokenizerBase,
    samples: Sequence[Sample],
    descriptions: np.ndarray,
    seed: int = 0,
    **options: Any,
) -> LanguageModel:
    """Trains a language model from nothing to answer questions about described scenes.

    Args:
        folder: for logs and the checkpoint of an interrupted run.
        config: sizes; the vocabulary becomes that of the tokenizer.
        stage: steps, batch and learning rate.
        tokenizer: knows the words of descriptions and questions.
        samples: questions; their `image` is the row of the scene in `descriptions`.
        descriptions: int (n, 16, w), as in `Scenes`.
        seed: of weights and order.
        **options: of `trainer.run`.
    """
    torch.manual_seed(seed)
    sizes = replace(config, vocab_size=len(tokenizer))
    model = LanguageModel.from_config(sizes, tokenizer)
    tokens = tokenize(samples, tokenizer, "image_first")
    words = word_tokens(descriptions, DESCRIPTION_WORDS, tokenizer)

    def make(step: int) -> SceneBatch:
        rows = rows_of_step(len(samples), stage.batch_size, (seed,), step)
        batch = tokens.batch(rows)
        count = TOKENS_PER_SCENE[step % len(TOKENS_PER_SCENE)]
        return SceneBatch(batch, words[batch.image], count)

    module = Stage(model, text_loss, stage, seed)
    run(module, StepData(make, (tokens, words)), stage.steps, folder, **options)
    return model.cpu().eval()


def word_tokens(
    descriptions: np.ndarray, words: Sequence[str], tokenizer: PreTrainedTokenizerBase
) -> Tensor:
    """Descriptions as tokens, with padding where there is no word.

    Args:
        descriptions: int, numbers of `words`; -1 for none.
        words: of the descriptions.
        tokenizer: knows the words.
    """
    known = tokenizer.get_vocab()
    # -1 takes the last entry
    tokens = torch.tensor([*(known[word] for word in words), tokenizer.pad_token_id])
    return tokens[torch.from_numpy(descriptions)]


def embed_scenes(
    language: LanguageModel, words: Tensor, tokens: int, position_words: int = 0
) -> Tensor:
    """Embeds descriptions as scene tokens: each is the sum of the words of its cells.

    Args:
        language: whose embeddings are summed.
        words: int (b, cells, w), the words for each cell of a square grid, in rows,
            with padding for none.
        tokens: scene tokens, a square number. The content of a cell belongs to the
            token that covers most of it (`owners`).
        position_words: the first words of a cell, which name its position. They are
            averaged over the area of a token instead of summed, so that a token with
            many empty cells still says what is there.

    Returns:
        float (b, tokens, e)
    """
    known = (words != language.tokenizer.pad_token_id)[..., None]
    embedded = language.embed(words) * known
    positions = embedded[:, :, :position_words].sum(2)
    contents = embedded[:, :, position_words:].sum(2)
    owned = owners(words.shape[1], tokens).to(embedded)
    area = overlap(words.shape[1], tokens).to(embedded)
    area = area / area.sum(1, keepdim=True)
    return torch.einsum("np,bpe->bne", owned, contents) + torch.einsum(
        "np,bpe->bne", area, positions
    )


@cache
def overlap(cells: int, tokens: int) -> Tensor:
    """Share of each cell that each token covers, float (tokens, cells).

    Both cut the same image into squares.

    Example:
        >>> overlap(9, 4)[0].view(3, 3)
        tensor([[1.0000, 0.5000, 0.0000],
                [0.5000, 0.2500, 0.0000],
                [0.0000, 0.0000, 0.0000]])
    """
    with torch.inference_mode(False):  # what is cached must serve training too
        edges = [torch.linspace(0, 1, math.isqrt(n) + 1) for n in (tokens, cells)]
        low = torch.maximum(edges[0][:-1, None], edges[1][None, :-1])
        high = torch.minimum(edges[0][1:, None], edges[1][None, 1:])
        side = (high - low).clamp(min=0) * math.isqrt(cells)
        return torch.kron(side, side)


@cache
def owners(cells: int, tokens: int) -> Tensor:
    """The token that names the content of each cell: the one that covers most of it.

    Tokens that cover equally much share the cell. If every token that touches a cell
    named its content, no token would name its own well.

    Returns:
        float (tokens, cells), 1 in total for each cell.

    Example:
        >>> owners(9, 4)[:, 1]  # the upper middle cell lies half in each of two tokens
        tensor([0.5000, 0.5000, 0.0000, 0.0000])
    """
    with torch.inference_mode(False):
        share = overlap(cells, tokens)
        most = share > share.amax(0) - 1e-4
        return most / most.sum(0)


def text_loss(language: LanguageModel, step: SceneBatch) -> Tensor:
    """Mean cross-entropy of the labelled text after the scene tokens."""
    scene = embed_scenes(language, step.words, step.tokens, step.position_words)
    spliced = splice(language.embed(step.batch.text), scene, step.batch)
    targets = spliced.labels[:, 1:]
    scored = targets >= 0
    hidden = language(spliced.embeddings)[:, :-1]
    return F.cross_entropy(language.logits(hidden[scored]), targets[scored])
