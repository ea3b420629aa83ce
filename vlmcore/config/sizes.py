"""Sizes of every part in frozen dataclasses: the one place where a shape is decided.

The two dials of the book are `VLMConfig.language` (its size is N) and
`VLMConfig.visual_tokens` (V). A config is validated when it is made, stores nothing
that can be derived, and turns into plain JSON and back (`to_dict`, `from_dict`).
Nothing here imports torch.
"""

import dataclasses
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from vlmcore.config.compressors import (
    COMPRESSOR_CONFIGS,
    CompressorConfig,
    M3Config,
    MLPConfig,
    MQTConfig,
    PoolConfig,
    PruMergeConfig,
    QueCCConfig,
    StageName,
    TokenPackerConfig,
    check_counts,
    check_visual_tokens,
    is_count,
)

__all__ = [
    "CLIP_L_336",
    "COMPRESSOR_CONFIGS",
    "PAPER",
    "QWEN25",
    "SMOLLM2_135M",
    "VICUNA_7B",
    "VICUNA_13B",
    "CompressorConfig",
    "LanguageConfig",
    "LoRAConfig",
    "M3Config",
    "MLPConfig",
    "MQTConfig",
    "Order",
    "PoolConfig",
    "PruMergeConfig",
    "QueCCConfig",
    "StageName",
    "TokenPackerConfig",
    "VLMConfig",
    "VisionConfig",
    "check_visual_tokens",
    "from_dict",
    "replace",
    "to_dict",
]

Order = Literal["image_first", "question_first"]
T = TypeVar("T")


@dataclass(frozen=True)
class VisionConfig:
    """A vision transformer with a CLS token, in the shape of CLIP's image tower."""

    image_size: int = 72
    """Side of the square input, in pixels."""
    patch_size: int = 6
    """Side of a patch, in pixels."""
    width: int = 64
    """Width of a patch feature, d."""
    depth: int = 4
    """Transformer layers."""
    heads: int = 4
    """Attention heads; divides `width`."""
    mlp_width: int = 256
    """Hidden width of each layer's MLP."""
    layers: tuple[int, ...] = (1, 2, 3)
    """Hidden states handed on, 0 being the embeddings. The last one is *the* patch
    features: the second-to-last, as in LLaVA."""

    def __post_init__(self) -> None:
        check_counts(
            self, "image_size", "patch_size", "width", "depth", "heads", "mlp_width"
        )
        if self.image_size % self.patch_size:
            raise ValueError(
                f"an image of {self.image_size} pixels cannot be cut into patches of "
                f"{self.patch_size}; choose a divisor"
            )
        if self.width % self.heads:
            raise ValueError(
                f"a width of {self.width} cannot be shared by {self.heads} heads; "
                "choose a divisor of the width"
            )
        if not (
            isinstance(self.layers, tuple)
            and self.layers
            and all(is_count(layer, 0) for layer in self.layers)
        ):
            raise ValueError(
                f"layers is {self.layers!r}; give the numbers of hidden states, such "
                "as (1, 2, 3)"
            )
        if (
            list(self.layers) != sorted(set(self.layers))
            or not 0 <= self.layers[0] <= self.layers[-1] <= self.depth
        ):
            raise ValueError(
                f"layers {self.layers} must be increasing hidden-state numbers "
                f"between 0 and the depth, {self.depth}"
            )

    @property
    def side(self) -> int:
        """Patches along one side of the image."""
        return self.image_size // self.patch_size

    @property
    def patches(self) -> int:
        """Patches of one image; visual tokens before compression."""
        return self.side**2


@dataclass(frozen=True)
class LanguageConfig:
    """A decoder-only transformer of the Llama kind: rotary positions, gated MLP, RMS norms."""

    vocab_size: int = 64
    """Words the tokenizer knows."""
    width: int = 64
    """Width of a token embedding, e; a visual token has the same."""
    depth: int = 3
    """Transformer layers."""
    heads: int = 4
    """Query heads."""
    kv_heads: int | None = None
    """Key and value heads (grouped-query attention); None means as many as `heads`."""
    head_width: int | None = None
    """Width of one head; None means `width // heads`."""
    mlp_width: int = 172
    """Hidden width of the gated MLP."""
    qkv_bias: bool = False
    """Whether query, key and value projections have biases, as in Qwen."""
    tied: bool = True
    """Whether the output head is the embedding table."""

    def __post_init__(self) -> None:
        check_counts(self, "vocab_size", "width", "depth", "heads", "mlp_width")
        check_counts(
            self,
            *(
                name
                for name in ("kv_heads", "head_width")
                if getattr(self, name) is not None
            ),
        )
        if self.head_width is None and self.width % self.heads:
            raise ValueError(
                f"a width of {self.width} cannot be shared by {self.heads} heads; "
                "choose a divisor or give head_width"
            )
        head = self.head_width or self.width // self.heads
        if head % 2:
            raise ValueError(
                f"heads of width {head} cannot carry rotary positions; choose an even "
                "width"
            )
        if self.heads % (self.kv_heads or self.heads):
            raise ValueError(
                f"{self.heads} query heads cannot share {self.kv_heads} key heads "
                "evenly; choose a divisor"
            )


@dataclass(frozen=True)
class LoRAConfig:
    """Low-rank adaptation (arXiv 2106.09685) of a language model that is too large, or too good, to be changed as a whole."""

    rank: int = 16
    """Rank of what is added to each matrix."""
    alpha: int = 32
    """What is added is multiplied by `alpha / rank`."""
    targets: tuple[str, ...] = ("q_proj", "v_proj")
    """Matrices of each layer to which it is added, by transformers' names."""

    def __post_init__(self) -> None:
        check_counts(self, "rank", "alpha")


@dataclass(frozen=True)
class VLMConfig:
    """A whole vision-language model: see, compress to V tokens, place them in the text, speak."""

    language: LanguageConfig = LanguageConfig()
    """The first dial: the language model, of size N."""
    visual_tokens: int = 1
    """The second dial: V. Zero is a blind model, and then there is no compressor."""
    compressor: CompressorConfig | None = QueCCConfig()
    vision: VisionConfig = VisionConfig()
    order: Order = "image_first"
    """Whether the block of visual tokens comes before the question, as in LLaVA, or
    after it."""

    def __post_init__(self) -> None:
        parts: dict[str, Any] = {
            "language": LanguageConfig,
            "vision": VisionConfig,
            "compressor": CompressorConfig | None,
        }
        for part, kind in parts.items():
            if not isinstance(getattr(self, part), kind):
                raise ValueError(
                    f"{part} is {getattr(self, part)!r}; give a config, not a name or "
                    "a part of one"
                )
        if not is_count(self.visual_tokens, 0):
            raise ValueError(
                f"visual_tokens is {self.visual_tokens!r}; it must be a whole number"
            )
        if self.order not in typing.get_args(Order):
            raise ValueError(
                f"order {self.order!r} is not known; choose from "
                f"{', '.join(typing.get_args(Order))}"
            )
        if (self.visual_tokens == 0) != (self.compressor is None):
            name = self.compressor and self.compressor.name
            raise ValueError(
                f"visual_tokens is {self.visual_tokens} and the compressor is {name}; "
                "a blind model has 0 and None, any other neither"
            )
        if self.compressor is not None:
            check_visual_tokens(self.compressor, self.vision.side, self.visual_tokens)
        if (
            isinstance(self.compressor, MQTConfig | TokenPackerConfig | QueCCConfig)
            and self.vision.width % self.compressor.heads
        ):
            raise ValueError(
                f"a vision width of {self.vision.width} cannot be shared by "
                f"{self.compressor.heads} heads of the compressor"
            )


def replace(config: Any, **changes: Any) -> Any:
    """`dataclasses.replace` that answers an unknown field with the known ones.

    Example:
        >>> replace(VLMConfig(), visual_tokens=4).visual_tokens
        4
    """
    _check_fields(type(config), changes)
    return dataclasses.replace(config, **changes)


def to_dict(config: Any) -> dict[str, Any]:
    """A config as plain JSON values; a compressor's carries its `name`."""
    result: dict[str, Any] = (
        {"name": config.name} if hasattr(type(config), "name") else {}
    )
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        result[field.name] = (
            to_dict(value)
            if dataclasses.is_dataclass(value)
            else list(value)
            if isinstance(value, tuple)
            else value
        )
    return result


def from_dict(kind: type[T], values: dict[str, Any]) -> T:
    """The config that `to_dict` wrote down.

    Raises:
        ValueError: a field is unknown, or a value is refused by the config.
    """
    _check_fields(kind, values)
    hints = typing.get_type_hints(kind)
    return kind(**{name: _decode(hints[name], value) for name, value in values.items()})


def _decode(hint: Any, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, dict):
        return value
    if isinstance(hint, types.UnionType):
        (hint,) = (kind for kind in typing.get_args(hint) if kind is not types.NoneType)
    if hint is CompressorConfig:  # its name says which
        values = dict(value)
        name = values.pop("name", None)
        if name not in COMPRESSOR_CONFIGS:
            raise ValueError(
                f"compressor {name!r} is not known; choose from "
                f"{', '.join(COMPRESSOR_CONFIGS)}"
            )
        return from_dict(COMPRESSOR_CONFIGS[name], values)
    return (
        from_dict(hint, value)
        if isinstance(hint, type) and dataclasses.is_dataclass(hint)
        else value
    )


def _check_fields(kind: type, values: dict[str, Any]) -> None:
    known = [field.name for field in dataclasses.fields(kind)]
    for name in values:
        if name not in known:
            raise ValueError(
                f"{kind.__name__} has no field {name!r}; its fields are "
                f"{', '.join(known)}"
            )


CLIP_L_336 = VisionConfig(
    image_size=336,
    patch_size=14,
    width=1024,
    depth=24,
    heads=16,
    mlp_width=4096,
    layers=(12, 16, 22, 23),
)
"""OpenAI's CLIP ViT-L/14 at 336 pixels, the encoder of the paper: 24 x 24 patches."""

VICUNA_7B = LanguageConfig(
    vocab_size=32000, width=4096, depth=32, heads=32, mlp_width=11008, tied=False
)
"""Vicuna-1.5-7B, the language model of the paper's Table 1."""

VICUNA_13B = replace(VICUNA_7B, width=5120, depth=40, heads=40, mlp_width=13824)
"""Vicuna-1.5-13B."""

QWEN25 = {
    "0.5B": LanguageConfig(
        vocab_size=151936,
        width=896,
        depth=24,
        heads=14,
        kv_heads=2,
        mlp_width=4864,
        qkv_bias=True,
    ),
    "1.5B": LanguageConfig(
        vocab_size=151936,
        width=1536,
        depth=28,
        heads=12,
        kv_heads=2,
        mlp_width=8960,
        qkv_bias=True,
    ),
    "7B": LanguageConfig(
        vocab_size=152064,
        width=3584,
        depth=28,
        heads=28,
        kv_heads=4,
        mlp_width=18944,
        tied=False,
        qkv_bias=True,
    ),
}
"""Qwen2.5 (arXiv 2412.15115), by its names."""

SMOLLM2_135M = LanguageConfig(
    vocab_size=49152, width=576, depth=30, heads=9, kv_heads=3, mlp_width=1536
)
"""SmolLM2-135M (arXiv 2502.02737), the pretrained language model that a CPU can train
with."""

PAPER = VLMConfig(
    language=VICUNA_7B,
    vision=CLIP_L_336,
    compressor=QueCCConfig(heads=8),
    visual_tokens=1,
)
"""QueCC at one token on Vicuna-1.5-7B, as in Table 1."""
