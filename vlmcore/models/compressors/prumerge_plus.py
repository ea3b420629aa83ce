"""PruMerge+ as released (arXiv 2403.15388, github.com/42Shawn/LLaVA-PruMerge).

Beside the patches of largest attention it keeps evenly spaced ones. The positions of
these are counted over all patches but the last, so that they differ from
`PruMergeConfig(plus=True)`, which spaces them over those that are left.

Axes: b images, v visual tokens, n = v - 1 kept patches, p patches, d vision width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from vlmcore.models.compressors.prumerge import (
    PruMerge,
    attention_and_keys,
    outliers,
)
from vlmcore.models.compressors.visual_tokens import checked_features, choose
from vlmcore.models.vision import VisionFeatures


class PruMergePlus(PruMerge):
    """Kept, spaced and merged patches, then a projector.

    With `adaptive`, and no V asked for, the image chooses V, and duplicates are left
    out: one image at a time. Otherwise V is 2m + 1, for m patches of largest attention
    and m spaced ones; a patch of both kinds is kept twice, and is its own nearest
    neighbour.
    """

    def keep(
        self, features: VisionFeatures, visual_tokens: int | None = None
    ) -> Tensor:
        """Numbers of the kept patches, int (b, n); those of large attention first."""
        features = checked_features(features, self.vision)
        attention, _ = attention_and_keys(features)
        patches = attention.shape[1]
        ranked = attention.argsort(dim=1, descending=True, stable=True)
        if visual_tokens is None and self.config.adaptive:
            if len(attention) > 1:
                raise ValueError(
                    f"each of {len(attention)} images would have a V of its own; give "
                    "one at a time, or visual_tokens="
                )
            seen = max(1, outliers(attention))
            spaced = torch.arange(0, patches - 1, max(1, patches // seen // 3))
            spaced = spaced.to(ranked)
            new = spaced[torch.isin(spaced, ranked[0, :seen], invert=True)]
            return torch.cat([ranked[:, :seen], new[None]], dim=1)
        v = choose(self.config, features.side, self.visual_tokens, visual_tokens)
        seen = (v - 1) // 2
        step = patches // seen
        spaced = torch.arange(step // 2, patches - 1, step).to(ranked)
        return torch.cat([ranked[:, :seen], spaced.expand(len(ranked), -1)], dim=1)

    def attend(
        self, features: VisionFeatures, visual_tokens: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Tokens before projection, float (b, v, d), and their mixture of patches."""
        kept = self.keep(features, visual_tokens)
        attention, keys = attention_and_keys(features)
        patches, n = attention.shape[1], kept.shape[1]
        own = F.one_hot(kept, patches).to(attention)
        # the release drops as many patches from the rest as there are kept numbers, so
        # that each duplicate costs the first patch that is left
        free = own.sum(1) == 0
        place = free.long().cumsum(1).where(free, 0)  # among the free ones, from 1
        left = place > n - (patches - free.sum(1, keepdim=True))
        dropped = attention * left

        unit = F.normalize(keys, dim=-1)
        others = torch.cat([kept, _numbers(left)], dim=1)
        similarity = unit.take_along_dim(kept[..., None], dim=1) @ (
            unit.take_along_dim(others[..., None], dim=1).mT
        )
        similarity.diagonal(dim1=1, dim2=2).fill_(-torch.inf)
        nearest = similarity.topk(min(self.config.neighbours, others.shape[1] - 1))
        near = others[:, None].expand_as(similarity).gather(2, nearest.indices)
        weights = attention[:, None].expand(-1, n, -1).gather(2, near)
        mix = own.scatter_add(2, near, weights)
        mix = torch.cat([mix, dropped[:, None]], dim=1)
        return mix @ features.patches, mix


def _numbers(chosen: Tensor) -> Tensor:
    """Positions of the true values, as many in each row, int (b, m)."""
    return chosen.nonzero()[:, 1].view(len(chosen), -1)
