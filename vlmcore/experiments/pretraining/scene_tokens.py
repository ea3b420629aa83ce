"""Language before sight: a miniature language model goes to school with notes about scenes it does not see.

A note is one embedding for a part of a scene, the sum of its words: where it is, and
what is there ("r2c3", "red", "circle"). Notes stand in the text exactly where visual
tokens will stand, one for each of 16, 4 or 1 square parts, so that looking a word up
among them is learnt before there is an image; what a compressor has to learn is then to
write such notes. Real language models learn this from text at large; a miniature that
is only shown sentences does not learn it in the time there is.
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
from vlmcore.models.vlm import splice
from vlmcore.training.data import StepData
from vlmcore.training.module import Stage
from vlmcore.training.trainer import StageConfig, run

TEXT_SCENES = 20_000
"""Of each world."""
PARTS = (1, 4, 16)
"""Numbers of notes about a scene, in turn."""


class SceneBatch(NamedTuple):
    """One training step: questions, and the scenes that they are about as notes."""

    batch: Batch
    words: Tensor
    """int (b, places, w): words for each place, with padding for none."""
    parts: int
    """How many notes they make."""
    where: int = 0
    """How many of the words, the first ones, say where a place is."""


def pretrain_on_scene_tokens(
    folder: str | Path,
    config: LanguageConfig,
    stage: StageConfig,
    seed: int = 0,
    **options: Any,
) -> LanguageModel:
    """Trains a language model from nothing to answer questions about scenes of all worlds from notes.

    Args:
        folder: for logs and the checkpoint of an interrupted run.
        config: sizes; the vocabulary becomes the words of the worlds.
        stage: steps, batch and learning rate.
        seed: of weights, scenes and order.
        **options: of `loop.run`.
    """
    scenes = [world((seed, 1), TEXT_SCENES, draw=False) for world in WORLDS.values()]
    samples = [sample for scene in scenes for sample in scene.samples]
    samples = [sample._replace(image=row) for row, sample in enumerate(samples)]
    tokenizer = word_tokenizer([*DESCRIPTION_WORDS, *QUESTION_WORDS])
    return pretrain_on_scenes(
        folder,
        config,
        stage,
        tokenizer,
        samples,
        np.concatenate([scene.descriptions for scene in scenes]),
        seed,
        **options,
    )


def pretrain_on_scenes(
    folder: str | Path,
    config: LanguageConfig,
    stage: StageConfig,
    tokenizer: PreTrainedTokenizerBase,
    samples: Sequence[Sample],
    notes: np.ndarray,
    seed: int = 0,
    **options: Any,
) -> LanguageModel:
    """Trains a language model from nothing to answer any questions about scenes that are told as notes.

    Args:
        folder: for logs and the checkpoint of an interrupted run.
        config: sizes; the vocabulary becomes that of the tokenizer.
        stage: steps, batch and learning rate.
        tokenizer: knows the words of the worlds and those of the questions.
        samples: questions; their `image` is the row of the scene in `notes`.
        notes: int (n, 16, w), as in `Scenes`.
        seed: of weights and order.
        **options: of `loop.run`.
    """
    torch.manual_seed(seed)
    model = LanguageModel.from_config(
        replace(config, vocab_size=len(tokenizer)), tokenizer
    )
    tokens = tokenize(samples, tokenizer, "image_first")
    known = tokenizer.get_vocab()
    vocabulary = torch.tensor(
        [*(known[word] for word in DESCRIPTION_WORDS), tokenizer.pad_token_id]
    )
    words = vocabulary[
        torch.from_numpy(notes)
    ]  # -1, no word, is the padding at the end

    def make(step: int) -> SceneBatch:
        batch = tokens.batch(
            rows_of_step(len(samples), stage.batch_size, (seed,), step)
        )
        return SceneBatch(batch, words[batch.image], PARTS[step % len(PARTS)])

    module = Stage(model, text_loss, stage, seed)
    run(module, StepData(make), stage.steps, folder, **options)
    return model.cpu().eval()


def embed_scenes(
    language: LanguageModel, words: Tensor, parts: int, where: int = 0
) -> Tensor:
    """Notes in the place of visual tokens: the sum of the words for what each part of the scene covers.

    Args:
        language: whose embeddings are summed.
        words: int (b, places, w), the words for each place of a square grid, in rows,
            with padding for none.
        parts: into how many squares the scene is cut. What is at a place belongs to the
            part that covers most of it (`owners`).
        where: how many of the words, the first ones, say where a place is. They are
            averaged over the area of a part instead of summed, so that a part with many
            empty places still says what is there.

    Returns:
        float (b, parts, e)
    """
    known = (words != language.tokenizer.pad_token_id)[..., None]
    spoken = language.embed(words) * known
    home, area = (
        owners(words.shape[1], parts).to(spoken),
        overlap(words.shape[1], parts).to(spoken),
    )
    names, things = spoken[:, :, :where].sum(2), spoken[:, :, where:].sum(2)
    return torch.einsum("np,bpe->bne", home, things) + torch.einsum(
        "np,bpe->bne", area / area.sum(1, keepdim=True), names
    )


@cache
def overlap(places: int, parts: int) -> Tensor:
    """Share of each place that lies in each part, where both cut the same image into squares: float (parts, places).

    Example:
        >>> coverage(9, 4)[0].view(3, 3)
        tensor([[1.0000, 0.5000, 0.0000],
                [0.5000, 0.2500, 0.0000],
                [0.0000, 0.0000, 0.0000]])
    """
    with torch.inference_mode(False):  # what is cached must serve training too
        edges = [torch.linspace(0, 1, math.isqrt(n) + 1) for n in (parts, places)]
        low = torch.maximum(edges[0][:-1, None], edges[1][None, :-1])
        high = torch.minimum(edges[0][1:, None], edges[1][None, 1:])
        side = (high - low).clamp(min=0) * math.isqrt(places)
        return torch.kron(side, side)


@cache
def owners(places: int, parts: int) -> Tensor:
    """Which part names what is at each place: the one that covers most of it. Parts that cover equally much share it.

    Were a thing named in passing by every part that it touches, no token would name it
    well.

    Returns:
        float (parts, places), 1 in total for each place.

    Example:
        >>> homes(9, 4)[:, 1]  # the middle of the upper row lies in two parts, half in each
        tensor([0.5000, 0.5000, 0.0000, 0.0000])
    """
    with torch.inference_mode(False):
        share = overlap(places, parts)
        most = share > share.amax(0) - 1e-4
        return most / most.sum(0)


def text_loss(language: LanguageModel, told: SceneBatch) -> Tensor:
    """Mean cross-entropy of what follows the notes."""
    notes = embed_scenes(language, told.words, told.parts, told.where)
    placed = splice(language.embed(told.batch.text), notes, told.batch)
    targets = placed.labels[:, 1:]
    said = targets >= 0
    return F.cross_entropy(
        language.logits(language(placed.embeddings)[:, :-1][said]), targets[said]
    )
