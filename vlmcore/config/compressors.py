"""The configs of the compressors, one frozen dataclass a method.

Import them from `vlmcore.config`. Their common questions and the axis letters are in
`vlmcore.config.base`.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from vlmcore.config.base import Axes, CompressorConfig, SharedWeights, StageName
from vlmcore.config.layers import (
    attention_parameters,
    linear_flops,
    linear_parameters,
    mlp_flops,
    mlp_parameters,
    norm_parameters,
)
from vlmcore.config.validation import wholes


@dataclass(frozen=True)
class MLPConfig(CompressorConfig):
    """LLaVA-1.5's projector (arXiv 2310.03744) on every patch: no compression."""

    name: ClassVar[str] = "mlp"

    def choices(self, side: int) -> tuple[int, ...]:
        """The number of patches."""
        return (side**2,)


@dataclass(frozen=True)
class PoolConfig(CompressorConfig):
    """Average pooling, then LLaVA's projector; the largest V is no compression."""

    name: ClassVar[str] = "pool"


@dataclass(frozen=True)
class M3Config(CompressorConfig):
    """Matryoshka Multimodal Models (arXiv 2405.17430): LLaVA's projector, then pooling.

    One set of weights serves all V.
    """

    name: ClassVar[str] = "m3"

    scales: tuple[int, ...] | None = None
    """The V that are trained, all of them in every step; None means all that the grid
    allows. The published ones are 1, 9, 36, 144 and 576."""

    def __post_init__(self) -> None:
        if self.scales is not None:
            example = "numbers of visual tokens, such as (1, 9, 36), or None for all"
            scales = wholes("scales", self.scales, 1, example)
            object.__setattr__(self, "scales", scales)

    def training_tokens(
        self, side: int, stage: StageName, rng: np.random.Generator
    ) -> tuple[int, ...]:
        """All scales, in both stages."""
        return self.scales or self.choices(side)

    def shared_weights(self, axes: Axes) -> SharedWeights:
        """One training run for every V."""
        return SharedWeights(self, axes.p)

    def flops(self, axes: Axes) -> int:
        """Operations to project every patch, whatever V."""
        return super().flops(axes._replace(v=axes.p))


@dataclass(frozen=True)
class MQTConfig(CompressorConfig):
    """Matryoshka Query Transformer (arXiv 2405.19315).

    It has learned queries, of which the first V are used.
    """

    name: ClassVar[str] = "mqt"

    queries: int = 256
    """Learned queries, a square number: their fixed positions form a grid."""
    heads: int = 16
    """Attention heads."""
    content_keys: bool = False
    """Whether keys hold the patches, or, as in the released code, their positions
    alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.queries not in (squares := [n**2 for n in range(2, 33)]):
            raise ValueError(
                f"{self.queries} queries have no square grid of positions; choose "
                f"from {', '.join(map(str, squares))}"
            )

    def choices(self, side: int) -> tuple[int, ...]:
        """Any number of the queries."""
        return tuple(range(1, self.queries + 1))

    def training_tokens(
        self, side: int, stage: StageName, rng: np.random.Generator
    ) -> tuple[int]:
        """All queries in stage 1, a random even number of them in stage 2.

        A single query is therefore never trained alone.
        """
        return (
            self.queries
            if stage == "align"
            else 2 * int(rng.integers(1, self.queries // 2, endpoint=True)),
        )

    def shared_weights(self, axes: Axes) -> SharedWeights:
        """One training run for every V."""
        return SharedWeights(self, self.queries)

    def parameters(self, axes: Axes) -> int:
        """Parameters of the queries, the norms of q, k and v, and the attention."""
        d = axes.d
        return self.queries * d + 3 * norm_parameters(d) + attention_parameters(d)

    def projection_parameters(self, axes: Axes) -> int:
        """Parameters of a single matrix without bias."""
        return axes.d * axes.e

    def flops(self, axes: Axes) -> int:
        """Operations of the heads' projections, the attention and the projection."""
        d, e, p, v, _ = axes
        heads, attention = 2 * linear_flops(p + v, d, d), 2 * linear_flops(v, d, p)
        return heads + attention + linear_flops(v, d, e)


@dataclass(frozen=True)
class TokenPackerConfig(CompressorConfig):
    """TokenPacker (arXiv 2407.02392): one coarse patch is the query of each region."""

    name: ClassVar[str] = "tokenpacker"

    heads: int = 4
    """Attention heads; the published model has one per 128 channels."""

    def choices(self, side: int) -> tuple[int, ...]:
        """Square regions of more than one patch; one key would leave no choice."""
        return super().choices(side)[:-1]

    def parameters(self, axes: Axes) -> int:
        """Parameters of the query's matrix and norm, and of the region attention."""
        d = axes.d
        return d * d + norm_parameters(d) + _region_parameters(axes)

    def flops(self, axes: Axes) -> int:
        """Operations of the queries, the region attention and the projection."""
        query = linear_flops(axes.v, axes.d, axes.d)
        return query + _region_flops(axes) + super().flops(axes)


@dataclass(frozen=True)
class QueCCConfig(CompressorConfig):
    """Query-based convolutional cross-attention, the compressor of arXiv 2411.03312.

    Without its three changes it is TokenPacker.
    """

    name: ClassVar[str] = "quecc"

    heads: int = 4
    """Attention heads; the published model has one per 128 channels."""
    inject_question: bool = True
    """Whether the question is added to the patches from which queries are made."""
    nonlinear_query: bool = True
    """Whether a two-layer MLP turns patches into queries, or one matrix."""
    learned_downsampling: bool = True
    """Whether a convolution makes the query of a region, or bilinear resizing."""

    @property
    def label(self) -> str:
        """The name, and for an ablation the initials of the changes that are left.

        Example:
            >>> QueCCConfig(learned_downsampling=False).label
            'quecc_qn'
        """
        changes = {
            "q": self.inject_question,
            "n": self.nonlinear_query,
            "l": self.learned_downsampling,
        }
        if all(changes.values()):
            return self.name
        left = "".join(initial for initial, on in changes.items() if on)
        return f"{self.name}_{left or '0'}"

    @property
    def sees_question(self) -> bool:
        """As `inject_question` says."""
        return self.inject_question

    def choices(self, side: int) -> tuple[int, ...]:
        """As for TokenPacker."""
        return super().choices(side)[:-1]

    def parameters(self, axes: Axes) -> int:
        """Parameters of question, queries and convolution, and the region attention."""
        d, e, p, v, _ = axes
        question = linear_parameters(e, d) + norm_parameters(d)
        query = mlp_parameters(d, d, d) if self.nonlinear_query else d * d
        return (
            question * self.inject_question
            + query
            + norm_parameters(d)
            + linear_parameters(p // v, d) * self.learned_downsampling
            + _region_parameters(axes)
        )

    def flops(self, axes: Axes) -> int:
        """As for TokenPacker, with the question's map and the convolution."""
        d, e, p, v, _ = axes
        mapped = p if self.learned_downsampling else v
        return (
            linear_flops(1, e, d) * self.inject_question
            + linear_flops(mapped, d, d) * (2 if self.nonlinear_query else 1)
            + linear_flops(p, d, 1) * self.learned_downsampling
            + _region_flops(axes)
            + super().flops(axes)
        )


def _region_parameters(axes: Axes) -> int:
    """Parameters of region attention: normed MLPs for keys and values, the heads."""
    d, inputs = axes.d, axes.layers * axes.d
    normed_mlp = mlp_parameters(inputs, d, d) + norm_parameters(d)
    return 2 * normed_mlp + attention_parameters(d)


def _region_flops(axes: Axes) -> int:
    """Operations of region attention: MLPs, heads, scores and weighted sums."""
    d, _, p, v, layers = axes
    keys_and_values = 2 * mlp_flops(p, layers * d, d, d)
    heads, attention = 2 * linear_flops(p + v, d, d), 2 * linear_flops(p, d, 1)
    return keys_and_values + heads + attention
