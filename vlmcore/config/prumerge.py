"""The configs of PruMerge, the method that prunes patches and trains nothing."""

from dataclasses import dataclass
from typing import ClassVar

from vlmcore.config.base import Axes, CompressorConfig, SharedWeights
from vlmcore.config.compressors import MLPConfig
from vlmcore.config.layers import linear_flops


@dataclass(frozen=True)
class PruMergeConfig(CompressorConfig):
    """PruMerge (arXiv 2403.15388): keep patches by CLS attention, merge the rest.

    It needs no training of its own.
    """

    name: ClassVar[str] = "prumerge"

    neighbours: int = 32
    """Patches that are merged into each kept one."""
    adaptive: bool = False
    """Whether the images decide how many patches are kept, as in the released code; the
    V of the model is then only an expectation."""
    plus: bool = False
    """Whether patches that are evenly spaced among the others are kept too, three for
    each one kept for its attention. `PruMergePlusConfig` is the released PruMerge+."""

    @property
    def sees_attention(self) -> bool:
        """Always."""
        return True

    def choices(self, side: int) -> tuple[int, ...]:
        """Any number: V - 1 patches are kept, and the last token is the merged rest."""
        return tuple(range(1, side**2 + 1))

    def shared_weights(self, axes: Axes) -> SharedWeights:
        """The projector and the language model of the uncompressed run."""
        return SharedWeights(MLPConfig(), axes.p)

    def flops(self, axes: Axes) -> int:
        """Operations of similarities, weighted sums and projection.

        The CLS attention and the keys are computed, and counted, in the encoder.
        """
        return _merge_flops(axes) + super().flops(axes)


@dataclass(frozen=True)
class PruMergePlusConfig(CompressorConfig):
    """PruMerge+ as released: evenly spaced patches are kept beside the salient ones."""

    name: ClassVar[str] = "prumerge_plus"

    neighbours: int = 32
    """Patches that are merged into each kept one."""
    adaptive: bool = False
    """As for PruMerge."""

    @property
    def sees_attention(self) -> bool:
        """Always."""
        return True

    def shared_weights(self, axes: Axes) -> SharedWeights:
        """As for PruMerge."""
        return SharedWeights(MLPConfig(), axes.p)

    def flops(self, axes: Axes) -> int:
        """As for PruMerge."""
        return _merge_flops(axes) + super().flops(axes)

    def choices(self, side: int) -> tuple[int, ...]:
        """Twice a number of patches and one, where the released spacing gives it."""
        patches = side**2
        return tuple(
            2 * n + 1
            for n in range(1, patches // 2)
            if len(range(patches // n // 2, patches - 1, patches // n)) == n
        )


def _merge_flops(axes: Axes) -> int:
    """Operations of PruMerge's similarities and weighted sums."""
    similarities = linear_flops(axes.v - 1, axes.d, axes.p)
    return similarities + linear_flops(axes.v, axes.p, axes.d)
