"""PruMerge (arXiv 2403.15388): prune patches by CLS attention, merge the pruned ones.

Only the projector is learnt. Every visual token is a weighted sum of patches, so the
method is one matrix for each image, V x p. The row of a kept patch has a one at its own
position and the CLS attention of its nearest neighbours at theirs: nearest by cosine
similarity of the encoder's last keys, with weights that are not normalised, as
released. The last row has the attention of all patches that were dropped; at V = 1 it
is the only row.

Axes: b images, v visual tokens, n = v - 1 kept patches, p patches, d vision width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from vlmcore.config import PruMergeConfig
from vlmcore.models.compressors.projector import Projected
from vlmcore.models.compressors.visual_tokens import checked_features, choose
from vlmcore.models.vision import VisionFeatures


class PruMerge(Projected):
    """V - 1 kept patches and the merged rest, then a projector; V set at each call.

    The projector's weights are those of a trained `MLP`. With `adaptive`, and no V
    asked for, the images choose it: the share of patches whose attention is an outlier
    (above the third quartile by more than 1.5 interquartile ranges) is taken over the
    whole batch, as in the released code. All images of a batch then have the same V,
    which depends on the others. Ask about one image at a time where that matters.
    """

    def forward(
        self,
        features: VisionFeatures,
        question: Tensor | None = None,
        *,
        visual_tokens: int | None = None,
    ) -> Tensor:
        """Visual tokens, float (b, V, language width); the question is ignored."""
        tokens, _ = self.attend(features, visual_tokens)
        return self.projection(tokens)

    def attend(
        self, features: VisionFeatures, visual_tokens: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Tokens before projection, float (b, v, d), and their mixture of patches.

        The mixture, float (b, v, p), has one row of weights a token.
        """
        kept = self.keep(features, visual_tokens)
        attention, keys = attention_and_keys(features)
        own = F.one_hot(kept, attention.shape[1]).to(attention)
        dropped = attention * (1 - own.sum(1))

        unit = F.normalize(keys, dim=-1)
        similarity = unit.take_along_dim(kept[..., None], dim=1) @ unit.mT
        similarity.masked_fill_(own.bool(), -torch.inf)  # no patch is its own neighbour
        neighbours = min(self.config.neighbours, attention.shape[1] - 1)
        nearest = similarity.topk(neighbours, dim=-1).indices
        near = torch.zeros_like(own).scatter(2, nearest, 1.0)
        mix = torch.cat([own + near * attention[:, None], dropped[:, None]], dim=1)
        return mix @ features.patches, mix

    def keep(
        self, features: VisionFeatures, visual_tokens: int | None = None
    ) -> Tensor:
        """Numbers of the kept patches, int (b, n).

        They are in the order of falling attention; evenly spaced ones come
        after them.
        """
        features = checked_features(features, self.vision)
        attention, _ = attention_and_keys(features)
        plus = isinstance(self.config, PruMergeConfig) and self.config.plus
        if visual_tokens is None and self.config.adaptive:
            n = outliers(attention) * (4 if plus else 1)
            n = min(n, attention.shape[1] - 1)
        else:
            v = choose(self.config, features.side, self.visual_tokens, visual_tokens)
            n = v - 1
        ranked = attention.argsort(dim=1, descending=True, stable=True)
        if not plus:
            return ranked[:, :n]
        # one in four for its attention, three for their position; `prumerge_plus` has
        # the released code, which spaces them over all patches
        seen = -(-n // 4)
        rest = ranked[:, seen:].sort(dim=1).values
        step = rest.shape[1] / max(1, n - seen)
        spaced = ((torch.arange(n - seen, device=rest.device) + 0.5) * step).long()
        return torch.cat([ranked[:, :seen], rest[:, spaced]], dim=1)


def outliers(attention: Tensor) -> int:
    """Patches of an image with outlying attention, on average over a batch (b, p)."""
    quartiles = torch.quantile(
        attention.float().flatten(), torch.tensor([0.25, 0.75], device=attention.device)
    )
    bound = quartiles[1] + 1.5 * (quartiles[1] - quartiles[0])
    return int((attention > bound).sum()) // len(attention)


def attention_and_keys(features: VisionFeatures) -> tuple[Tensor, Tensor]:
    """CLS attention and keys, or a sentence on how to get them."""
    if features.cls_attention is None or features.keys is None:
        raise ValueError(
            "PruMerge needs the CLS token's attention and the keys; encode images, or "
            "store features, with attention=True"
        )
    return features.cls_attention, features.keys
