"""The visual prefix is inserted into the text, before `Batch.image_at`."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vlmcore.data.chat import NO_IMAGE
from vlmcore.data.samples import IGNORE, Batch


class Spliced(NamedTuple):
    """Text with the visual prefix in it."""

    embeddings: Tensor
    """float (b, t+V, e)"""
    labels: Tensor
    """int (b, t+V)"""
    length: Tensor
    """int (b,): embeddings that are not padding."""


def splice(text: Tensor, visual: Tensor, batch: Batch) -> Spliced:
    """Inserts the visual prefix into every text, before `Batch.image_at`.

    Behind a text without an image it stands as padding, which no token sees.

    Args:
        text: float (b, t, e)
        visual: float (b, V, e)
        batch: gives labels, positions and lengths.
    """
    width, v = text.shape[1], visual.shape[1]
    seen = batch.image_at != NO_IMAGE
    at = batch.image_at.where(seen, batch.length)[:, None]
    position = torch.arange(width, device=text.device).expand(len(text), -1)
    of_text = position + v * (position >= at)
    of_image = at + torch.arange(v, device=text.device)
    order = torch.cat([of_text, of_image], dim=1).argsort(dim=1)
    embeddings = torch.cat([text, visual.to(text.dtype)], dim=1)
    labels = F.pad(batch.labels, (0, v), value=IGNORE)
    return Spliced(
        embeddings.gather(1, order[..., None].expand_as(embeddings)),
        labels.gather(1, order),
        batch.length + v * seen,
    )
