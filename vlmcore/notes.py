"""Language before sight: a miniature language model goes to school with notes about scenes it does not see.

A note is one embedding for a part of a scene, the sum of its words: where it is, and what is there ("r2c3", "red", "circle"). Notes stand
in the text exactly where visual tokens will stand, one for each of 16, 4 or 1 square parts, so that looking a word up among them is
learnt before there is an image; what a compressor has to learn is then to write such notes. Real language models learn this from
text at large; a miniature that is only shown sentences does not learn it in the time there is.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from einops import reduce
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from vlmcore.config import LanguageConfig, replace
from vlmcore.data.samples import Batch, Sample, rows_of_step, tokenize
from vlmcore.data.worlds.scenes import GRID, QUESTION_WORDS, WORDS, WORLDS
from vlmcore.language import LanguageModel, word_tokenizer
from vlmcore.loop import Stage, StageConfig, run
from vlmcore.vlm import place

TOLD_SCENES = 20_000
"""Of each world."""
PARTS = (1, 4, 16)
"""Numbers of notes about a scene, in turn."""


class Told(NamedTuple):
    """One training step: questions, the words of the notes, int (b, 16, 3) with padding for none, and how many notes they make."""

    batch: Batch
    words: Tensor
    parts: int


def pretrain_on_notes(folder: str | Path, config: LanguageConfig, stage: StageConfig, seed: int = 0, **options: Any) -> LanguageModel:
    """Trains a language model from nothing to answer questions about scenes of all worlds from notes.

    Args:
        folder: for logs and the checkpoint of an interrupted run.
        config: sizes; the vocabulary becomes the words of the worlds.
        stage: steps, batch and learning rate.
        seed: of weights, scenes and order.
        **options: of `loop.run`.
    """
    scenes = [world((seed, 1), TOLD_SCENES, draw=False) for world in WORLDS.values()]
    samples = [sample for scene in scenes for sample in scene.samples]
    samples = [sample._replace(image=row) for row, sample in enumerate(samples)]
    tokenizer = word_tokenizer([*WORDS, *QUESTION_WORDS])
    return learn_from_notes(folder, config, stage, tokenizer, samples, np.concatenate([scene.notes for scene in scenes]), seed, **options)


def learn_from_notes(
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
    model = LanguageModel.from_config(replace(config, vocab_size=len(tokenizer)), tokenizer)
    tokens = tokenize(samples, tokenizer, "image_first")
    known = tokenizer.get_vocab()
    vocabulary = torch.tensor([*(known[word] for word in WORDS), tokenizer.pad_token_id])
    words = vocabulary[torch.from_numpy(notes)]  # -1, no word, is the padding at the end

    def make(step: int) -> Told:
        batch = tokens.batch(rows_of_step(len(samples), stage.batch_size, (seed,), step))
        return Told(batch, words[batch.image], PARTS[step % len(PARTS)])

    run(Stage(model, _loss, make, stage, seed), folder, **options)
    return model.cpu().eval()


def embed_notes(language: LanguageModel, words: Tensor, parts: int) -> Tensor:
    """Notes in the place of visual tokens.

    Args:
        language: whose embeddings are summed.
        words: int (b, 16, w), the words for each place, with padding for none.
        parts: into how many square parts the 4 x 4 places are grouped.

    Returns:
        float (b, parts, e)
    """
    known = (words != language.tokenizer.pad_token_id)[..., None]
    side = math.isqrt(parts)
    cells = "b (gy y gx x) w e -> b (gy gx) e"
    return reduce(language.embed(words) * known, cells, "sum", gy=side, gx=side, x=GRID // side)


def _loss(language: LanguageModel, told: Told) -> Tensor:
    notes = embed_notes(language, told.words, told.parts)
    placed = place(language.embed(told.batch.text), notes, told.batch)
    targets = placed.labels[:, 1:]
    said = targets >= 0
    return F.cross_entropy(language.logits(language(placed.embeddings)[:, :-1][said]), targets[said])
