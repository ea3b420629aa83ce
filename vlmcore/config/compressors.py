"""Which compressor and its sizes: one frozen dataclass a method, which also says what V it can give and how V is chosen in training.

`vlmcore.config` hands all of them on, and that is where they are meant to be imported
from. Nothing here imports torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

StageName = Literal["align", "tune"]


@dataclass(frozen=True)
class CompressorConfig:
    """What a method says of itself; the answers here are those of most methods, and a method with another one overrides it."""

    name: ClassVar[str]

    @property
    def sees_question(self) -> bool:
        """Whether the compressor is told the question."""
        return False

    @property
    def sees_attention(self) -> bool:
        """Whether it needs the CLS token's attention and the keys of the encoder's last layer."""
        return False

    def choices(self, side: int) -> tuple[int, ...]:
        """The V that are possible on a grid of `side` x `side` patches, smallest first: here those of equal square cells."""
        return grid_choices(side)

    def training_tokens(
        self, side: int, stage: StageName, rng: np.random.Generator
    ) -> tuple[int | None, ...]:
        """The V whose losses are averaged in one training step; None is the V of the model."""
        return (None,)


@dataclass(frozen=True)
class MLPConfig(CompressorConfig):
    """LLaVA-1.5's projector (arXiv 2310.03744) on every patch: no compression."""

    name: ClassVar[str] = "mlp"

    def choices(self, side: int) -> tuple[int, ...]:
        """The number of patches."""
        return (side**2,)


@dataclass(frozen=True)
class PoolConfig(CompressorConfig):
    """Average pooling of patches, then LLaVA's projector; the largest V is no compression."""

    name: ClassVar[str] = "pool"


@dataclass(frozen=True)
class M3Config(CompressorConfig):
    """Matryoshka Multimodal Models (arXiv 2405.17430): LLaVA's projector, then average pooling; one set of weights for all V."""

    name: ClassVar[str] = "m3"

    scales: tuple[int, ...] | None = None
    """The V that are trained, all of them in every step; None means all that the grid
    allows, the published ones are 1, 9, 36, 144, 576."""

    def __post_init__(self) -> None:
        if self.scales is not None and not (
            isinstance(self.scales, tuple)
            and self.scales
            and all(map(is_count, self.scales))
        ):
            raise ValueError(
                f"scales is {self.scales!r}; give numbers of visual tokens, such as "
                "(1, 9, 36), or None for all"
            )

    def training_tokens(
        self, side: int, stage: StageName, rng: np.random.Generator
    ) -> tuple[int, ...]:
        """All scales, in both stages."""
        return self.scales or self.choices(side)


@dataclass(frozen=True)
class MQTConfig(CompressorConfig):
    """Matryoshka Query Transformer (arXiv 2405.19315): learned queries, of which the first V are used."""

    name: ClassVar[str] = "mqt"

    queries: int = 256
    """Learned queries, a square number: their fixed positions form a grid."""
    heads: int = 16
    """Attention heads."""
    content_keys: bool = False
    """Whether keys see the patches, or, as in the released code, only where they
    are."""

    def __post_init__(self) -> None:
        check_counts(self, "queries", "heads")
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
        """All queries in alignment, a random even number of them in tuning; so a single one is never trained alone."""
        return (
            self.queries
            if stage == "align"
            else 2 * int(rng.integers(1, self.queries // 2, endpoint=True)),
        )


@dataclass(frozen=True)
class TokenPackerConfig(CompressorConfig):
    """TokenPacker (arXiv 2407.02392): a coarse patch as query for each square region."""

    name: ClassVar[str] = "tokenpacker"

    heads: int = 4
    """Attention heads; the published model has one per 128 channels."""

    def __post_init__(self) -> None:
        check_counts(self, "heads")

    def choices(self, side: int) -> tuple[int, ...]:
        """Square regions of more than one patch; on the uncompressed grid each query would see a single key."""
        return grid_choices(side)[:-1]


@dataclass(frozen=True)
class QueCCConfig(CompressorConfig):
    """Query-based convolutional cross-attention, the compressor of arXiv 2411.03312; without its three changes it is TokenPacker."""

    name: ClassVar[str] = "quecc"

    heads: int = 4
    """Attention heads; the published model has one per 128 channels."""
    inject_question: bool = True
    """Whether the question is added to the patches from which queries are made."""
    nonlinear_query: bool = True
    """Whether patches become queries by a two-layer MLP, or by one matrix."""
    learned_downsampling: bool = True
    """Whether a convolution makes one query of a region, or bilinear resizing."""

    def __post_init__(self) -> None:
        check_counts(self, "heads")

    @property
    def sees_question(self) -> bool:
        """As the switch says."""
        return self.inject_question

    def choices(self, side: int) -> tuple[int, ...]:
        """As for TokenPacker."""
        return grid_choices(side)[:-1]


@dataclass(frozen=True)
class PruMergeConfig(CompressorConfig):
    """PruMerge (arXiv 2403.15388): keep what the CLS token looks at, merge the rest; needs no training."""

    name: ClassVar[str] = "prumerge"

    neighbours: int = 32
    """Patches that are merged into each kept one."""
    adaptive: bool = False
    """Whether the images decide how many patches are kept, as in the released code; the
    V of the model is then only an expectation."""
    plus: bool = False
    """Whether evenly spaced patches are kept too, three for each one kept for its
    attention (PruMerge+)."""

    def __post_init__(self) -> None:
        check_counts(self, "neighbours")

    @property
    def sees_attention(self) -> bool:
        """Always."""
        return True

    def choices(self, side: int) -> tuple[int, ...]:
        """Any number: V - 1 patches are kept, and the last token is the merged rest."""
        return tuple(range(1, side**2 + 1))


COMPRESSOR_CONFIGS: dict[str, type[CompressorConfig]] = {
    kind.name: kind
    for kind in (
        MLPConfig,
        PoolConfig,
        M3Config,
        MQTConfig,
        TokenPackerConfig,
        QueCCConfig,
        PruMergeConfig,
    )
}


def grid_choices(side: int) -> tuple[int, ...]:
    """Numbers of square cells into which a grid of `side` x `side` patches can be cut, smallest first."""
    return tuple(n**2 for n in range(1, side + 1) if side % n == 0)


def check_visual_tokens(
    compressor: CompressorConfig, side: int, visual_tokens: int
) -> None:
    """Raises ValueError with the possible numbers when `visual_tokens` does not suit the compressor and the grid."""
    choices = compressor.choices(side)
    if visual_tokens not in choices:
        raise ValueError(
            f"{compressor.name} cannot turn {side} patches a side into "
            f"{visual_tokens} tokens; choose visual_tokens from {_listed(choices)}"
        )


def is_count(value: Any, least: int = 1) -> bool:
    """Whether a value is a whole number of at least `least`."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def check_counts(config: Any, *names: str) -> None:
    """Raises ValueError when one of these fields is not a whole number of at least 1."""
    for name in names:
        if not is_count(getattr(config, name)):
            raise ValueError(
                f"{name} is {getattr(config, name)!r}; it must be a whole number of "
                "at least 1"
            )


def _listed(choices: Sequence[int]) -> str:
    """Numbers in words, short when there are many in a row."""
    if len(choices) > 2 and list(choices) == list(range(choices[0], choices[-1] + 1)):
        return f"{choices[0]} to {choices[-1]}"
    return ", ".join(map(str, choices))
