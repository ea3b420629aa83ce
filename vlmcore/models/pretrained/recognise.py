"""Which released model a checkpoint holds, from its config and its tensors' names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from vlmcore.config import (
    CompressorConfig,
    M3Config,
    MLPConfig,
    MQTConfig,
    QueCCConfig,
    TokenPackerConfig,
    VisionConfig,
)
from vlmcore.config.validation import check_choice
from vlmcore.models.pretrained.parts import Wanted
from vlmcore.models.pretrained.released_weights import PUBLISHED

TEXT_MODELS = {
    "llava": "llama",
    "llava_llama": "llama",
    "llava_mistral": "mistral",
    "llava_qwen": "qwen2",
}
"""LLaVA's model types, and transformers' types of their language models."""
HEAD_WIDTH = 128
"""Channels of an attention head of the released TokenPacker and QueCC."""

MULTI_LEVEL = (12, 16, 22, 23)
"""Hidden states that the released TokenPacker and QueCC read, of CLIP-L's 24 layers."""

_ONLY = {
    "mm_projector_type": (None, "mlp2x_gelu"),
    "mm_vision_select_feature": (None, "patch"),
    "mm_use_im_start_end": (None, False),
    "mm_patch_merge_type": (None, "flat"),
    "image_aspect_ratio": (None, "pad", "square"),
    "mm_vision_token_compression_type": (None, "quecc"),
    "s2": (None, False),
}
"""Values of fields with which the released code computes what is computed here."""


def is_llava(fields: Mapping[str, Any]) -> bool:
    """Whether a config is of LLaVA's own layout."""
    return "mm_vision_tower" in fields


def check_llava(fields: Mapping[str, Any], folder: Path) -> None:
    """Raises ValueError when a config in LLaVA's layout is of another model."""
    kind = fields.get("model_type")
    check_choice(f"model_type of {folder}", kind, TEXT_MODELS)
    if not isinstance(fields["mm_vision_tower"], str):
        raise ValueError(
            f"mm_vision_tower of {folder} is {fields['mm_vision_tower']!r}; it should "
            "name the vision encoder"
        )
    for name, allowed in _ONLY.items():
        if (value := fields.get(name)) not in allowed:
            raise ValueError(
                f"{name} of {folder} is {value!r}; models are supported where it is "
                f"{' or '.join(repr(x) for x in allowed[1:])}"
            )
    if (folder / "adapter_config.json").exists():
        raise ValueError(
            f"{folder} holds LoRA matrices; merge them into the language model first "
            "(LLaVA's scripts/merge_lora_weights.py)"
        )


def check_hub_format(fields: Mapping[str, Any], folder: Path) -> None:
    """Raises ValueError when a config of transformers is not of LLaVA-1.5."""
    kind = fields.get("model_type")
    if kind != "llava" or not {"text_config", "vision_config"} <= fields.keys():
        raise ValueError(
            f"{folder} holds a {kind!r} model of transformers, not a VLM; load it with "
            "LanguageModel.from_pretrained or VisionEncoder.from_pretrained"
        )
    layer = fields.get("vision_feature_layer", -2)
    strategy = fields.get("vision_feature_select_strategy", "default")
    if not isinstance(layer, int) or layer >= 0 or strategy != "default":
        raise ValueError(
            f"vision_feature_layer of {folder} is {layer!r} and its strategy "
            f"{strategy!r}; models are supported that read one hidden state, counted "
            "from the last, with 'default'"
        )


def hidden_states(
    tensors: Mapping[str, Tensor], fields: Mapping[str, Any], depth: int
) -> tuple[int, ...]:
    """The encoder's hidden states that are read, counted from the embeddings.

    Raises:
        ValueError: the encoder does not have them.
    """
    last = fields.get("mm_vision_select_layer", -2)
    many = "q_proj_1.weight" in tensors or "0.q_downsample.weight" in tensors
    if not isinstance(last, int) or not -depth <= last < 0:
        raise ValueError(
            f"mm_vision_select_layer is {last!r}; the encoder has {depth} layers, so "
            f"give -1 to {-depth}, counted from the last"
        )
    layers = (*MULTI_LEVEL[:-1] * many, depth + 1 + last)
    if many and layers != MULTI_LEVEL:
        raise ValueError(
            f"this compressor reads the hidden states {MULTI_LEVEL}, and config and "
            f"encoder, of {depth} layers, say {layers}; give vision= the encoder that "
            "it was trained with"
        )
    return layers


def compressor_of(
    tensors: Mapping[str, Tensor],
    fields: Mapping[str, Any],
    vision: VisionConfig,
    wanted: Wanted,
) -> tuple[CompressorConfig, int]:
    """The compressor's config, and V.

    Args:
        tensors: of the compressor, by their released names without prefix.
        fields: of the checkpoint's config.
        vision: sizes of the encoder.
        wanted: V, and another compressor on the plain projector.

    Raises:
        ValueError: the tensors are of no known compressor, V is missing or cannot be
            had, or another compressor was asked for than the tensors are of.
    """
    found, asked = _found(tensors, fields, vision), wanted.compressor
    visual_tokens = wanted.visual_tokens
    if asked is not None and asked.name != found.name:
        if PUBLISHED.get(asked.name) != PUBLISHED["mlp"] or found.name not in _PLAIN:
            raise ValueError(
                f"the checkpoint has the weights of {found.name}, which cannot serve "
                f"as {asked.name}; leave compressor= out"
            )
        found = asked
    own = _own_tokens(found, tensors, fields, vision)
    if own is not None and visual_tokens not in (None, own):
        raise ValueError(
            f"the weights of this {found.name} are for {own} visual tokens and cannot "
            f"give {visual_tokens}; leave visual_tokens= out"
        )
    v = own if visual_tokens is None else visual_tokens
    if v is None and isinstance(found, MQTConfig):
        v = fields.get("num_visual_tokens", found.queries)
    if v is None:
        choices = ", ".join(map(str, found.choices(vision.side)[:32]))
        raise ValueError(
            f"neither weights nor config of this {found.name} say how many visual "
            f"tokens it gives; give visual_tokens=, one of {choices}"
        )
    found.check_visual_tokens(vision.side, v)
    return found, v


_PLAIN = ("mlp", "m3")


def _found(
    tensors: Mapping[str, Tensor], fields: Mapping[str, Any], vision: VisionConfig
) -> CompressorConfig:
    """The compressor that the tensors are of."""
    if "query" in tensors:
        return MQTConfig(queries=len(tensors["query"]))
    if "q_proj_1.weight" in tensors:
        return TokenPackerConfig(heads=_heads(vision))
    if "0.q_downsample.weight" in tensors:
        return QueCCConfig(heads=_heads(vision))
    if fields.get("mm_vision_token_compression_type") == "quecc":
        raise ValueError(
            "the config says quecc, and mm_projector.0.q_downsample.weight is missing; "
            "copy all shards"
        )
    if "matryoshka_vis_token_scale" in fields:
        return M3Config()
    return MLPConfig()


def _own_tokens(
    found: CompressorConfig,
    tensors: Mapping[str, Tensor],
    fields: Mapping[str, Any],
    vision: VisionConfig,
) -> int | None:
    """V, where the weights fix it."""
    if isinstance(found, MLPConfig):
        return vision.patches
    if not isinstance(found, QueCCConfig):
        return None
    kernel = tensors["0.q_downsample.weight"].shape[-1]
    for name in ("kernel_size", "stride"):
        said = fields.get(f"mm_vision_token_compression_{name}", kernel)
        if said != kernel or vision.side % kernel:
            raise ValueError(
                f"the convolution of this QueCC has kernels of {kernel}, the config "
                f"says {name} {said}, and the image has {vision.side} patches a side; "
                "copy config and weights from the same release"
            )
    return (vision.side // kernel) ** 2


def _heads(vision: VisionConfig) -> int:
    if vision.width % HEAD_WIDTH:
        raise ValueError(
            f"a vision width of {vision.width} is no multiple of {HEAD_WIDTH}, the "
            "width of a head in the release; give vision= the encoder that it was "
            "trained with"
        )
    return vision.width // HEAD_WIDTH
