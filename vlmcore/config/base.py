"""The questions that every compressor's config answers.

A new compressor derives its config from `CompressorConfig` and overrides the answers
that differ from those of most methods. The rest of the package asks and never looks at
the class: a config's `name` selects its module in `vlmcore.models.compressors`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from vlmcore.config.layers import mlp_flops, mlp_parameters
from vlmcore.config.validation import check_fields, whole

StageName = Literal["align", "tune"]


class Axes(NamedTuple):
    """The numbers that decide a compressor's size and cost."""

    d: int
    """Width of the vision encoder."""
    e: int
    """Width of the language model."""
    p: int
    """Patches of an image."""
    v: int
    """Visual tokens, V."""
    layers: int
    """Layers of the encoder that are read."""


class SharedWeights(NamedTuple):
    """The compressor and the V of the training run whose weights a method uses."""

    compressor: "CompressorConfig"
    visual_tokens: int


@dataclass(frozen=True)
class CompressorConfig:
    """A method and its sizes; the answers here are those of most methods."""

    name: ClassVar[str]

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def label(self) -> str:
        """The method's name in results."""
        return self.name

    @property
    def heads(self) -> int:
        """Attention heads, which divide the vision width; 1 without attention."""
        return 1

    @property
    def sees_question(self) -> bool:
        """Whether the compressor is conditioned on the question."""
        return False

    @property
    def sees_attention(self) -> bool:
        """Whether it needs the encoder's CLS attention and last keys."""
        return False

    def choices(self, side: int) -> tuple[int, ...]:
        """Possible V on a grid of `side` x `side` patches, smallest first.

        By default V is the number of equal square cells.
        """
        return tuple(n**2 for n in range(1, side + 1) if side % n == 0)

    def check_visual_tokens(self, side: int, visual_tokens: int) -> None:
        """Raises ValueError with the possible V when it is none of them."""
        choices = self.choices(side)
        if whole("visual_tokens", visual_tokens, 0) not in choices:
            raise ValueError(
                f"{self.name} cannot turn {side} patches a side into "
                f"{visual_tokens} tokens; choose visual_tokens from {_listed(choices)}"
            )

    def training_tokens(
        self, side: int, stage: StageName, rng: np.random.Generator
    ) -> tuple[int | None, ...]:
        """The V whose losses one training step averages; None is the model's V."""
        return (None,)

    def shared_weights(self, axes: Axes) -> SharedWeights:
        """The training run whose weights the method uses; by default its own."""
        return SharedWeights(self, axes.v)

    def parameters(self, axes: Axes) -> int:
        """Parameters apart from the projection; fixed positions do not count."""
        return 0

    def projection_parameters(self, axes: Axes) -> int:
        """Parameters of the projection to the language width, by default LLaVA's."""
        return mlp_parameters(axes.d, axes.e, axes.e)

    def flops(self, axes: Axes) -> int:
        """Operations for one image and one question, projection included."""
        return mlp_flops(axes.v, axes.d, axes.e, axes.e)


def _listed(choices: Sequence[int]) -> str:
    """Numbers in words, short when they are many consecutive ones."""
    if len(choices) > 2 and list(choices) == list(range(choices[0], choices[-1] + 1)):
        return f"{choices[0]} to {choices[-1]}"
    return ", ".join(map(str, choices))
