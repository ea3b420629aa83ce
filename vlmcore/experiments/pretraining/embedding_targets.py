"""Stage 1 of the grid: visual tokens are written in the words of the language model.

What an image shows is known as notes (`vlmcore.experiments.pretraining.scene_tokens`),
so a compressor can be told directly what each of its tokens should be: the sum of the
embeddings of the words for what the token covers. This is stronger supervision than
captions, and it is what lets facts that were learnt from text be asked about an image
that was never paired with them; `book/results/LOG.md` has what captions alone did.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from vlmcore.data.samples import Batch
from vlmcore.experiments.pretraining.scene_tokens import embed_scenes, owners
from vlmcore.models.vision import VisionFeatures
from vlmcore.models.vlm import VLM
from vlmcore.training.data import MicroBatch, Objective, Part, TrainingData


class SceneTargets(NamedTuple):
    """What the images of a data set show."""

    words: Tensor
    """int (images, places, w): tokens of the words for each place, with padding for
    none."""
    where: int
    """How many of the words, the first ones, say where the place is."""
    contents: tuple[Tensor, ...]
    """Tokens of the words that may fill a place, one tensor for each kind of content,
    such as icons and colours."""
    sharpness: float = 1.0
    """What scores of naming are multiplied by: words of a pretrained model may be too
    short to be told apart by their products."""


class DescribedBatch(NamedTuple):
    """What a step of alignment sees: samples, features of their images, and what these show."""

    batch: Batch
    features: VisionFeatures
    notes: SceneTargets

    def to(self, device: torch.device | str) -> "DescribedBatch":
        """The same step on another device."""
        contents = tuple(group.to(device) for group in self.notes.contents)
        notes = self.notes._replace(
            words=self.notes.words.to(device), contents=contents
        )
        return DescribedBatch(self.batch.to(device), self.features.to(device), notes)


def align_to_embeddings(
    data: Sequence[TrainingData], targets: Sequence[SceneTargets], padding: int
) -> Objective:
    """Stage 1 with embedding targets, as `fit` takes it for its `alignment`.

    Images of which nothing is known are left out of every batch. Several processes
    weight their losses by their numbers of samples.

    Args:
        data: the data sets that the stage is trained on.
        targets: what the images of each data set show.
        padding: the token that stands for no word.
    """
    known = [(part.words != padding).any(2).any(1) for part in targets]

    def batch(number: int, rows: Tensor, part: Part) -> MicroBatch:
        rows = rows[known[number][data[number].tokens.image[rows]]]
        mine = part.of(rows) if part.number < len(rows) else rows[:1]
        share = len(part.of(rows)) / len(rows)
        _, samples, features = data[number].batch(mine)
        assert isinstance(features, VisionFeatures)
        words = targets[number].words[samples.image]
        content = DescribedBatch(
            samples, features, targets[number]._replace(words=words)
        )
        return MicroBatch(content, part.total * share)

    return Objective(embedding_target_loss, batch)


def embedding_target_loss(vlm: VLM, step: DescribedBatch) -> Tensor:
    """How far the visual tokens are from the notes: squared distance, and cross-entropy of naming what is there.

    The distance alone is slow to tell 64 words from each other, and naming alone leaves
    the length of a token free. A token that covers several things should name each of
    them. Distance is relative: in units of the squared length of a content word and of
    the number of things, so that crowded tokens do not drown the others. Tokens that
    have something to say and empty ones are averaged apart: with many tokens nearly all
    are empty, and to be right about nothing would be most of the loss.

    Args:
        vlm: with a frozen language model.
        step: samples and notes.
    """
    visual, notes = vlm.compress(step.features, step.batch), step.notes
    names = [vlm.language.embed(group).detach().to(visual) for group in notes.contents]
    home = owners(notes.words.shape[1], visual.shape[1]).to(visual)
    naming, things = visual.new_zeros(()), visual.new_zeros(visual.shape[:2])
    for group, name in zip(notes.contents, names, strict=True):
        there = (
            (notes.words[..., None] == group).any(2).to(visual)
        )  # (b, places, words of the kind)
        wanted = torch.einsum("np,bpw->bnw", home, there)
        number = wanted.sum(-1)
        if (speaks := number > 0).any():
            naming = (
                naming
                - (
                    (wanted * log_softmax(notes.sharpness * visual @ name.T, -1)).sum(
                        -1
                    )
                    / number.clamp(min=1)
                )[speaks].mean()
            )
        things = things.maximum(number)
    target = (
        embed_scenes(vlm.language, notes.words, visual.shape[1], notes.where)
        .detach()
        .to(visual)
    )
    distance = (visual - target).pow(2).sum(-1)
    distance = distance / things.clamp(min=1).square()
    apart = [
        distance[which].mean() for which in (things > 0, things == 0) if which.any()
    ]
    return naming + torch.stack(apart).sum() / torch.cat(names).pow(2).sum(-1).mean()
