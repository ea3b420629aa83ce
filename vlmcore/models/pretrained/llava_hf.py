"""LLaVA-1.5 as transformers has it (`LlavaForConditionalGeneration`), both ways."""

from functools import partial
from pathlib import Path
from typing import Any

from transformers import LlavaForConditionalGeneration

from vlmcore.config import VLMConfig
from vlmcore.files import read_json
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
    template = wanted.template or "llava_hf"
    language = language_of(sizes.text_config, tensors, folder, template, wanted.dtype)
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
