"""LLaVA-1.5 as transformers has it (`LlavaForConditionalGeneration`), both ways."""

import copy
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import LlavaConfig, LlavaForConditionalGeneration

from vlmcore.config import MLPConfig, VLMConfig
from vlmcore.data.chat import IMAGE
from vlmcore.files import read_json, write_json
from vlmcore.folders import files_beside
from vlmcore.models.pretrained.checks import check_checkpoint, quiet_loading
from vlmcore.models.pretrained.parts import Parts, Wanted, language_of
from vlmcore.models.pretrained.recognise import check_hub_format, compressor_of
from vlmcore.models.pretrained.released_weights import load_published
from vlmcore.models.vision import CLIP_MEAN, CLIP_STD, VisionEncoder

_PROJECTOR = {"linear_1": "0", "linear_2": "2"}
"""Layers of transformers' projector, by their numbers in LLaVA's."""


def open_llava_hf(folder: Path, fields: dict[str, Any], wanted: Wanted) -> Parts:
    """Opens a checkpoint of `llava-hf`; raises as `open_parts`."""
    check_hub_format(fields, folder)
    check_checkpoint(folder)
    with quiet_loading():
        llava: Any = LlavaForConditionalGeneration.from_pretrained(
            folder, dtype=wanted.dtype
        )
    inner, sizes = llava.model, llava.config
    pixels = folder / "preprocessor_config.json"
    scale = read_json(pixels) if pixels.exists() else {}
    encoder = VisionEncoder(
        inner.vision_tower,
        (sizes.vision_config.num_hidden_layers + 1 + sizes.vision_feature_layer,),
        scale.get("image_mean", CLIP_MEAN),
        scale.get("image_std", CLIP_STD),
    )
    tensors = {f"model.{k}": x for k, x in inner.language_model.state_dict().items()}
    tensors["lm_head.weight"] = llava.lm_head.weight
    language = language_of(
        sizes.text_config, tensors, folder, wanted.template, wanted.dtype, "llava_hf"
    )
    projector = {
        f"{_PROJECTOR[layer]}.{name}": x.float()
        for layer, module in inner.multi_modal_projector.named_children()
        for name, x in module.state_dict().items()
    }
    kind, v = compressor_of(projector, {}, encoder.config, wanted)
    config = VLMConfig(language.config, v, kind, encoder.config)
    load = partial(
        load_published, name=kind.name, released=projector, side=encoder.config.side
    )
    return Parts(config, encoder, language, load)


def save_llava_hf(vlm: Any, folder: str | Path) -> None:
    """Writes an uncompressed model as transformers' `LlavaForConditionalGeneration`.

    The tokenizer gets `<image>` as a token if it has none. With one of the `TEMPLATES`
    as chat template, prompts are those of `VLM.ask`.

    Args:
        vlm: a VLM with the compressor `mlp`, behind an encoder with a CLS token.
        folder: is written whole or not at all.

    Raises:
        ValueError: transformers' LLaVA has no such compressor, encoder or order.
    """
    config = vlm.config
    kind = config.compressor and config.compressor.name
    if not isinstance(config.compressor, MLPConfig) or config.order != "image_first":
        raise ValueError(
            f"transformers' LLaVA has neither the compressor {kind} nor the order "
            f"{config.order!r}; export a model with the compressor mlp, image_first"
        )
    if not vlm.vision.family.cls:
        raise ValueError(
            "this encoder has no CLS token, which transformers' LLaVA cuts off; export "
            "a model with a CLIP encoder"
        )
    if vlm.language.lora:
        raise ValueError(
            "this language model has LoRA matrices beside its own; call "
            "vlmcore.models.lora.merge_lora first"
        )
    words = copy.deepcopy(vlm.language.tokenizer)
    words.add_special_tokens({"additional_special_tokens": [IMAGE]})
    llava = _as_llava(vlm, words)
    with files_beside(folder) as partial_folder, quiet_loading():
        llava.save_pretrained(partial_folder)
        words.save_pretrained(partial_folder)
        for name, fields in _processor(vlm).items():
            write_json(partial_folder / f"{name}_config.json", fields)


def _processor(vlm: Any) -> dict[str, Any]:
    """The settings of transformers' image processor, and of the one around it."""
    pixels = vlm.vision.model.config.image_size
    return {
        "preprocessor": {
            "image_processor_type": "CLIPImageProcessor",
            "size": {"shortest_edge": pixels},
            "crop_size": {"height": pixels, "width": pixels},
            "image_mean": vlm.vision.mean.flatten().tolist(),
            "image_std": vlm.vision.std.flatten().tolist(),
        },
        "processor": {
            "processor_class": "LlavaProcessor",
            "image_token": IMAGE,
            "num_additional_image_tokens": 1,
            "patch_size": vlm.config.vision.patch_size,
            "vision_feature_select_strategy": "default",
        },
    }


@torch.no_grad()
def _as_llava(vlm: Any, words: Any) -> Any:
    """The same weights in transformers' module, with a row for `<image>`."""
    text = vlm.language.model
    token = words.convert_tokens_to_ids(IMAGE)
    sizes = LlavaConfig(
        vision_config=vlm.vision.model.config,
        text_config=text.config,
        image_token_index=token,
        vision_feature_layer=vlm.config.vision.layers[-1] - vlm.config.vision.depth - 1,
        tie_word_embeddings=text.config.tie_word_embeddings,
    )
    llava: Any = LlavaForConditionalGeneration(sizes)
    inner = llava.model
    inner.vision_tower.load_state_dict(vlm.vision.model.state_dict())
    inner.language_model.load_state_dict(text.base_model.state_dict())
    llava.lm_head.weight.copy_(text.get_output_embeddings().weight)
    for name, number in _PROJECTOR.items():
        theirs = inner.multi_modal_projector.get_submodule(name)
        theirs.load_state_dict(vlm.compressor.projection[int(number)].state_dict())
    if token >= text.config.vocab_size:
        llava.resize_token_embeddings(token + 1, mean_resizing=False)
    llava.generation_config = text.generation_config
    return llava
