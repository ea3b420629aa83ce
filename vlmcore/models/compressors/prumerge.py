"""PruMerge (arXiv 2403.15388): keep the patches the CLS token looks at, merge the others into them; nothing is learnt but the projector.

Every visual token is a weighted sum of patches, so the method is one matrix for each
image, V x p: the row of a kept patch has a one at its own place and the CLS attention
of its nearest neighbours at theirs (nearest by cosine similarity of the encoder's last
keys; the weights are not normalised, as released); the last row has the attention of
all patches that were dropped. At V = 1 it is the only row.

Axes: b images, v visual tokens, n = v - 1 kept patches, p patches, d vision width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlmcore.config import PruMergeConfig, VisionConfig
from vlmcore.models.compressors.projector import projector
from vlmcore.models.compressors.visual_tokens import choose
from vlmcore.models.vision import VisionFeatures


class PruMerge(nn.Module):
    """V - 1 kept patches and the merged rest, through a projector whose weights come from a trained `MLP`; V chosen at every call.

    With `adaptive`, and no V asked for, the images choose it: the share of patches
    whose attention is an outlier (above the third quartile by more than 1.5
    interquartile ranges) is taken over the whole batch, as in the released code, so
    that all images of a batch have the same V, and what an image becomes depends on its
    company. Ask about one image at a time where that matters.
    """

    def __init__(
        self,
        config: PruMergeConfig,
        vision: VisionConfig,
        language_width: int,
        visual_tokens: int,
    ) -> None:
        super().__init__()
        config.check_visual_tokens(vision.side, visual_tokens)
        self.config = config
        self.visual_tokens = visual_tokens
        self.projection = projector(vision.width, language_width)

    def forward(
        self,
        features: VisionFeatures,
        question: Tensor | None = None,
        *,
        visual_tokens: int | None = None,
    ) -> Tensor:
        """Visual tokens, float (b, V, language width); the question is not looked at."""
        tokens, _ = self.attend(features, visual_tokens)
        return self.projection(tokens)

    def attend(
        self, features: VisionFeatures, visual_tokens: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """The tokens before projection, float (b, v, d), and the patches each is made of, float (b, v, p)."""
        kept = self.keep(features, visual_tokens)
        attention, keys = _seen_by_cls(features)
        own = F.one_hot(kept, attention.shape[1]).to(attention)
        dropped = attention * (1 - own.sum(1))

        unit = F.normalize(keys, dim=-1)
        likeness = unit.take_along_dim(kept[..., None], dim=1) @ unit.mT
        likeness = likeness.masked_fill(
            own.bool(), -torch.inf
        )  # a patch is not its own neighbour
        nearest = likeness.topk(
            min(self.config.neighbours, attention.shape[1] - 1), dim=-1
        ).indices
        near = torch.zeros_like(own).scatter(2, nearest, 1.0)
        mix = torch.cat([own + near * attention[:, None], dropped[:, None]], dim=1)
        return mix @ features.patches, mix

    def keep(
        self, features: VisionFeatures, visual_tokens: int | None = None
    ) -> Tensor:
        """Numbers of the patches that are kept, int (b, n): by falling attention, then the evenly spaced ones of PruMerge+."""
        attention, _ = _seen_by_cls(features)
        if visual_tokens is None and self.config.adaptive:
            n = outliers(attention) * (4 if self.config.plus else 1)
            n = min(n, attention.shape[1] - 1)
        else:
            n = (
                choose(self.config, features.side, self.visual_tokens, visual_tokens)
                - 1
            )
        ranked = attention.argsort(dim=1, descending=True, stable=True)
        if not self.config.plus:
            return ranked[:, :n]
        # one in four for its attention, three for their place; the released code spaces
        # them over all patches and strikes out double ones, which leaves every image
        # another V
        seen = -(-n // 4)
        rest = ranked[:, seen:].sort(dim=1).values
        step = rest.shape[1] / max(1, n - seen)
        spaced = ((torch.arange(n - seen, device=rest.device) + 0.5) * step).long()
        return torch.cat([ranked[:, :seen], rest[:, spaced]], dim=1)


def outliers(attention: Tensor) -> int:
    """How many patches an image has, on average over the batch (b, p), whose attention is far above the others'."""
    quartiles = torch.quantile(
        attention.float().flatten(), torch.tensor([0.25, 0.75], device=attention.device)
    )
    bound = quartiles[1] + 1.5 * (quartiles[1] - quartiles[0])
    return int((attention > bound).sum()) // len(attention)


def _seen_by_cls(features: VisionFeatures) -> tuple[Tensor, Tensor]:
    """CLS attention and keys, or a sentence on how to get them."""
    if features.cls_attention is None or features.keys is None:
        raise ValueError(
            "PruMerge needs the CLS token's attention and the keys; encode images, or "
            "store features, with attention=True"
        )
    return features.cls_attention, features.keys
