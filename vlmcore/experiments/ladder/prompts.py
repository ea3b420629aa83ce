"""One plain prompt for all models: six examples, a question, the picture, an answer.

    Capital of the country
    Country:<V visual tokens>
    Capital: Tokyo

Examples show countries that are asked about nowhere, as exact targets with the same V.
The question stands before the picture, so that all of a kind share a long prefix.
"""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from vlmcore.data.flags.scenes import FAMILIES, FlagScenes, scenes
from vlmcore.data.flags.world import load_world
from vlmcore.data.samples import Sample
from vlmcore.experiments.ladder.words import FILLER, Words, encode, exact_targets
from vlmcore.models.generation import generate_greedily
from vlmcore.models.language import LanguageModel

SHOTS, _SHOT_SEED = 6, 11
ANSWER_TOKENS = {"letters": 18}
"""Longest answer of a kind of question; of any other, 10."""
_BATCH_TOKENS = 1500
CUES = {
    "capital": ("Country", "Capital"),
    "region": ("Country", "Continent"),
    "language": ("Country", "Language"),
    "currency": ("Country", "Currency"),
    "position": ("Picture", "Country"),
    "neighbour": ("Picture", "Country"),
    "number": ("Picture", "Number"),
    "same": ("Picture", "Same"),
    "letters": ("Picture", "Letters"),
}
"""Words before the picture and before the answer, by kind of question."""
_LENGTHS = (1, 7, 2, 4, 6, 3)
"""Rows of examples of letters, whose lengths are one more."""


class Pictures(NamedTuple):
    """Embeddings in the place of the picture, in the examples and the questions."""

    shots: Sequence[Tensor]
    """One for each example, float (t, e)."""
    asked: Sequence[Tensor]
    """One for each question, float (t, e)."""


@lru_cache(maxsize=16)
def examples(kind: str) -> FlagScenes:
    """The scenes of the examples for a kind of question, facts of flags alone."""
    world = load_world()
    countries = world.part("examples")
    for family in FAMILIES:
        made = scenes(
            world, family, _SHOT_SEED, 64, countries, part="development", draw=False
        )
        alone = (made.glyph >= 0).sum(1) == 1
        right = alone if family == "knowledge" else np.ones_like(alone)
        kinds = [group(sample.kind) for sample in made.samples]
        rows = [i for i in np.flatnonzero(right).tolist() if kinds[i] == kind]
        if rows:
            return pick(made, rows[:SHOTS] if kind != "letters" else _LENGTHS)
    raise ValueError(f"no question is of the kind {kind!r}")


@lru_cache(maxsize=1)
def mark() -> str:
    """A hash of every prompt; answers to other prompts are not mixed with these."""
    shown = [[*examples(kind).samples, examples(kind).centre.tolist()] for kind in CUES]
    text = repr([CUES, FILLER, ANSWER_TOKENS, shown])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def group(kind: str) -> str:
    """The kind of question that shares examples: strings of all lengths are one."""
    return re.sub(r"^\d+ ", "", kind)


def pick(made: FlagScenes, rows: Sequence[int]) -> FlagScenes:
    """Some scenes, in this order."""
    return FlagScenes(
        [made.samples[i] for i in rows],
        [made.accepted[i] for i in rows],
        made.glyph[list(rows)],
        made.centre[list(rows)],
        made.asked[list(rows)],
        None if made.images is None else made.images[list(rows)],
    )


def exact_pictures(
    words: Words, asked: Sequence[Tensor] | Tensor, kind: str, v: int
) -> Pictures:
    """Given visual tokens for the questions, exact targets for the examples."""
    return Pictures(list(exact_targets(words, examples(kind), v)), list(asked))


@torch.inference_mode()
def answer(
    language: LanguageModel, kind: str, asked: FlagScenes, pictures: Pictures
) -> list[str]:
    """Answers of a frozen language model to questions of one kind, first lines only."""
    shown = examples(kind)
    before = [
        piece
        for sample, picture in zip(shown.samples, pictures.shots, strict=True)
        for piece in _turn(language, sample, picture, f" {sample.answer}\n")
    ]
    rows = [
        torch.cat([*before, *_turn(language, sample, picture, "")])
        for sample, picture in zip(asked.samples, pictures.asked, strict=True)
    ]
    prefix = sum(map(len, before))
    longest, texts = max(len(row) for row in rows) - prefix, list[str]()
    size = max(1, _BATCH_TOKENS // longest)
    stop = encode(language, "\n").tolist()
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        tokens = generate_greedily(
            language.model,
            language.tokenizer,
            pad_sequence(part, batch_first=True),
            torch.tensor([len(row) for row in part], device=part[0].device),
            ANSWER_TOKENS.get(kind, 10),
            prefix,
            stop,
        )
        texts += language.tokenizer.batch_decode(tokens, skip_special_tokens=True)
    return [text.split("\n")[0] for text in texts]


def _turn(
    language: LanguageModel, sample: Sample, picture: Tensor, reply: str
) -> list[Tensor]:
    noun, cue = CUES[group(sample.kind)]
    start = language.embed(encode(language, f"{sample.question}\n{noun}:"))
    end = language.embed(encode(language, f"\n{cue}:{reply}"))
    return [start, picture.to(start), end]
