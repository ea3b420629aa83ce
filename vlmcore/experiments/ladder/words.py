"""Exact targets: a visual token is the mean of the names of what its region holds.

Names are the language model's own embeddings of the words, tokens averaged. A region
holds an object if the object's centre lies in it; a region without any has a fixed
filler, the embedding of a line's end. These are the exact targets: oracles read them in
place of visual tokens, and compressors are trained towards them.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from vlmcore.data.flags.drawing import ALPHABET
from vlmcore.data.flags.scenes import FlagScenes
from vlmcore.data.flags.world import World
from vlmcore.models.language import LanguageModel

FILLER = "\n"


class Words(NamedTuple):
    """Embeddings of the words of a world, from one language model."""

    names: Tensor
    """float (glyphs + letters, e)"""
    filler: Tensor
    """float (e,)"""
    tokens: Tensor
    """int (glyphs + letters,): tokens of each name."""

    @property
    def middle(self) -> Tensor:
        """The mean name, float (e,)."""
        return self.names.mean(0)

    @property
    def unit(self) -> Tensor:
        """Mean squared distance of names to their mean."""
        return (self.names - self.middle).square().sum(1).mean()

    @property
    def scale(self) -> Tensor:
        """Outputs of a compressor times this differ as much as names do."""
        return (self.unit / self.names.shape[1]).sqrt()

    def to(self, device: torch.device | str) -> "Words":
        """The same words on a device."""
        return Words(*(part.to(device) for part in self))


def encode(language: LanguageModel, text: str) -> Tensor:
    """The tokens of a text without special ones, int (t,)."""
    numbers = language.tokenizer(text, add_special_tokens=False)["input_ids"]
    return torch.tensor(numbers, device=language.model.device)


@torch.inference_mode()
def word_embeddings(language: LanguageModel, world: World) -> Words:
    """The words of a world in a language model, each with a space before it.

    They lie on the CPU, wherever the model is.
    """
    names = [encode(language, f" {name}") for name in (*world.names, *ALPHABET)]
    return Words(
        torch.stack([language.embed(name).float().mean(0) for name in names]),
        language.embed(encode(language, FILLER)).float().mean(0),
        torch.tensor([len(name) for name in names]),
    ).to("cpu")


def regions(centre: Tensor, visual_tokens: int) -> Tensor:
    """The token whose region holds each centre, int (...,), of x and y (..., 2)."""
    side = math.isqrt(visual_tokens)
    column, row = (centre * side).long().clamp(0, side - 1).unbind(-1)
    return row * side + column


def held(glyph: Tensor, centre: Tensor, visual_tokens: int, names: int) -> Tensor:
    """How often each token's region holds each name, float (b, V, names).

    Args:
        glyph: int (b, m), -1 for none.
        centre: float (b, m, 2).
        visual_tokens: V.
        names: of the world, letters included.
    """
    counts = torch.zeros(len(glyph), visual_tokens, names)
    row, slot = torch.nonzero(glyph >= 0, as_tuple=True)
    where = regions(centre, visual_tokens)[row, slot]
    return counts.index_put(
        (row, where, glyph[row, slot]), torch.ones(len(row)), accumulate=True
    )


def exact_targets(words: Words, scenes: FlagScenes, visual_tokens: int) -> Tensor:
    """The exact targets of scenes, float (n, V, e)."""
    glyph, centre = torch.from_numpy(scenes.glyph), torch.from_numpy(scenes.centre)
    return targets(words, held(glyph, centre, visual_tokens, len(words.names)))


def targets(words: Words, counts: Tensor) -> Tensor:
    """Means of names, float (b, V, e), from how often each is held."""
    total = counts.sum(-1, keepdim=True)
    mean = counts @ words.names / total.clamp(min=1)
    return torch.where(total > 0, mean, words.filler)


def name_loss(visual: Tensor, words: Words, counts: Tensor, logit: float) -> Tensor:
    """Squared distance to the exact targets plus cross-entropy of naming the content.

    Tokens with and without content are averaged apart, since with many tokens nearly
    all are empty.

    Args:
        visual: float (b, V, e).
        words: of the language model.
        counts: float (b, V, names), as from `held`.
        logit: score of a name's own embedding above that of the mean name.
    """
    total, middle = counts.sum(-1), words.middle
    candidates = torch.cat([words.names, words.filler[None]]) - middle
    empty = (total == 0).float()
    wanted = torch.cat([counts, empty[..., None]], -1) / total.clamp(min=1)[..., None]
    scores = (visual - middle) @ candidates.T * (logit / words.unit)
    naming = -(wanted * log_softmax(scores, -1)).sum(-1)
    distance = (visual - targets(words, counts)).square().sum(-1) / words.unit
    loss, filled = naming + distance, total > 0
    parts = [loss[rows].mean() for rows in (filled, ~filled) if rows.any()]
    return torch.stack(parts).sum()


def nearest_flag(
    visual: Tensor, words: Words, scenes: FlagScenes, flags: int
) -> Tensor:
    """The flag whose name is nearest to the token that holds the asked object.

    Args:
        visual: float (n, V, e).
        words: of the language model.
        scenes: n scenes, each with an asked flag.
        flags: of the world.

    Returns:
        int (n,)
    """
    asked, centre = torch.from_numpy(scenes.asked), torch.from_numpy(scenes.centre)
    slot = (torch.from_numpy(scenes.glyph) == asked[:, None]).int().argmax(1)
    rows = torch.arange(len(asked))
    token = visual[rows, regions(centre, visual.shape[1])[rows, slot]]
    return torch.cdist(token.float(), words.names[:flags]).argmin(1)
