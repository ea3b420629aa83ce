"""Stage 1 with embedding targets: visual tokens in the words of the language model.

The content of a training image is known, so a compressor can be shown what each of its
tokens should be: the sum of the embeddings of the words for what the token covers
(`scene_tokens`). This is stronger supervision than captions. It lets facts learnt from
text be asked about an image that was never paired with them; `book/results/LOG.md` has
what captions alone did.
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
from vlmcore.training.data import Objective, TrainingData
from vlmcore.training.steps import MicroBatch, Part


class SceneTargets(NamedTuple):
    """Descriptions of the images of a data set, as targets for visual tokens."""

    words: Tensor
    """int (images, cells, w): tokens of the words for each cell, with padding for
    none."""
    position_words: int
    """The first words of a cell that name its position."""
    contents: tuple[Tensor, ...]
    """Tokens of the words that may fill a cell, one tensor for each kind of content,
    such as icons and colours."""
    logit_scale: float = 1.0
    """Factor of the classification scores: embeddings of a pretrained model may be too
    short to be told apart by their products."""


class DescribedBatch(NamedTuple):
    """One step: samples, features of their images, and the images' descriptions."""

    batch: Batch
    features: VisionFeatures
    targets: SceneTargets

    def to(self, device: torch.device | str) -> "DescribedBatch":
        """The same step on another device."""
        words = self.targets.words.to(device)
        contents = tuple(group.to(device) for group in self.targets.contents)
        targets = self.targets._replace(words=words, contents=contents)
        return DescribedBatch(self.batch.to(device), self.features.to(device), targets)


def align_to_embeddings(
    data: Sequence[TrainingData], targets: Sequence[SceneTargets], padding: int
) -> Objective:
    """Stage 1 with embedding targets, as `fit` takes it for its `alignment`.

    Images without a description are left out of every batch. Several processes weight
    their losses by their numbers of samples.

    Args:
        data: the data sets that the stage is trained on.
        targets: descriptions of the images of each data set.
        padding: the token that stands for no word.
    """
    described = [(part.words != padding).any(2).any(1) for part in targets]

    def batch(number: int, rows: Tensor, part: Part) -> MicroBatch:
        rows = rows[described[number][data[number].tokens.image[rows]]]
        mine = part.of(rows) if part.number < len(rows) else rows[:1]
        share = len(part.of(rows)) / len(rows)
        _, samples, features, _ = data[number].batch(mine)
        assert isinstance(features, VisionFeatures)
        of_samples = targets[number]._replace(
            words=targets[number].words[samples.image]
        )
        content = DescribedBatch(samples, features, of_samples)
        return MicroBatch(content, part.total * share)

    return Objective(embedding_target_loss, batch, (targets, padding))


def embedding_target_loss(vlm: VLM, step: DescribedBatch) -> Tensor:
    """Squared distance to the targets plus cross-entropy of naming their content.

    The distance alone is slow to tell 64 words from each other, and naming alone leaves
    the length of a token free. A token that covers several objects should name each of
    them.

    Args:
        vlm: with a frozen language model.
        step: samples and descriptions.
    """
    visual, targets = vlm.compress(step.features, step.batch), step.targets
    owned = owners(targets.words.shape[1], visual.shape[1]).to(visual)
    naming, objects = visual.new_zeros(()), visual.new_zeros(visual.shape[:2])
    embeddings = [vlm.language.embed(group).detach() for group in targets.contents]
    for group, embedding in zip(targets.contents, embeddings, strict=True):
        # (b, cells, words of the kind)
        there = (targets.words[..., None] == group).any(2).to(visual)
        wanted = torch.einsum("np,bpw->bnw", owned, there)
        count = wanted.sum(-1)
        if (filled := count > 0).any():
            scores = log_softmax(
                targets.logit_scale * visual @ embedding.to(visual).T, -1
            )
            named = (wanted * scores).sum(-1) / count.clamp(min=1)
            naming = naming - named[filled].mean()
        objects = objects.maximum(count)
    length = torch.cat(embeddings).to(visual).pow(2).sum(-1).mean()
    return naming + _distance(vlm, visual, targets, objects) / length


def _distance(
    vlm: VLM, visual: Tensor, targets: SceneTargets, objects: Tensor
) -> Tensor:
    """Squared distance to the targets, in units of the squared number of objects.

    The unit keeps crowded tokens from outweighing the others. Tokens with and without
    content are averaged apart: with many tokens nearly all are empty, and the empty
    ones would be most of the loss.
    """
    target = embed_scenes(
        vlm.language, targets.words, visual.shape[1], targets.position_words
    )
    distance = (visual - target.detach().to(visual)).pow(2).sum(-1)
    distance = distance / objects.clamp(min=1).square()
    filled = objects > 0
    apart = [distance[rows].mean() for rows in (filled, ~filled) if rows.any()]
    return torch.stack(apart).sum()
