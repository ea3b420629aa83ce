"""Released checkpoints in LLaVA's own layout, as parts of a VLM.

A folder is that of a language model, whose config names the vision encoder
(`mm_vision_tower`) and whose shards hold the compressor too: LLaVA-1.5, QueCC,
TokenPacker, MQT and M3, which brings an encoder that was trained along. After stage 1
there is the compressor alone, in a file of its own. Rectangles are padded to squares,
as with `image_aspect_ratio: pad`.
"""

from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import AutoConfig

from vlmcore.config import VLMConfig
from vlmcore.data.chat import TEMPLATES
from vlmcore.models.language import LanguageModel
from vlmcore.models.pretrained.parts import Parts, Wanted, language_of
from vlmcore.models.pretrained.recognise import (
    TEXT_MODELS,
    check_llava,
    compressor_of,
    hidden_states,
)
from vlmcore.models.pretrained.released_weights import (
    PREFIXES,
    compressor_tensors,
    load_published,
)
from vlmcore.models.pretrained.tensors import read_tensors
from vlmcore.models.vision import VisionEncoder

_TOWER = "vision_tower.vision_tower."
_ELSEWHERE = (*PREFIXES, "vision_tower.", "text_tower.", "image_newline", "inv_freq")
"""In the names of tensors that are none of the language model's."""
_ROPE = {"rope_theta", "rope_scaling"}
_FOREIGN = {"model_type", "architectures", "dtype", "torch_dtype", "_name_or_path"}


def open_llava(folder: Path, fields: dict[str, Any], wanted: Wanted) -> Parts:
    """Opens a checkpoint in LLaVA's layout; raises as `open_parts`."""
    check_llava(fields, folder)
    tensors = read_tensors(folder)
    part = compressor_tensors(tensors)
    encoder = _encoder(folder, fields, part, wanted)
    _load_trained_encoder(encoder, tensors, fields, folder)
    kind, v = compressor_of(part, fields, encoder.config, wanted)
    language = _language(folder, fields, tensors, wanted)
    config = VLMConfig(language.config, v, kind, encoder.config)
    load = partial(
        load_published, name=kind.name, released=part, side=encoder.config.side
    )
    return Parts(config, encoder, language, load)


def _encoder(
    folder: Path, fields: dict[str, Any], part: dict[str, Tensor], wanted: Wanted
) -> VisionEncoder:
    """The encoder that the config names, with the hidden states that are read."""
    name = wanted.vision or fields["mm_vision_tower"]
    if wanted.vision is None and (folder / name).is_dir():
        name = folder / name
    try:
        encoder = VisionEncoder.from_pretrained(name, dtype=wanted.dtype)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"the vision encoder {name}, with which {folder} was trained, cannot be "
            f"loaded: {error}; or give vision= its folder"
        ) from error
    return VisionEncoder(
        encoder.model,
        hidden_states(part, fields, encoder.config.depth),
        tuple(encoder.mean.flatten().tolist()),
        tuple(encoder.std.flatten().tolist()),
    )


def _load_trained_encoder(
    encoder: VisionEncoder,
    tensors: dict[str, Tensor],
    fields: dict[str, Any],
    folder: Path,
) -> None:
    """Loads the encoder's weights if the checkpoint has its own, as M3 does."""
    own = {
        name.partition(_TOWER)[2].removeprefix("vision_model."): x
        for name, x in tensors.items()
        if _TOWER in name and not name.endswith("position_ids")
    }
    if not own:
        if fields.get("unfreeze_mm_vision_tower"):
            raise ValueError(
                f"{folder} was trained with its vision encoder, whose weights are not "
                "in it; copy all shards"
            )
        return
    try:
        encoder.model.load_state_dict(own)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(
            f"the vision encoder in {folder} does not fit: {reason}; give vision= the "
            "one that its training began with"
        ) from error


def _language(
    folder: Path, fields: dict[str, Any], tensors: dict[str, Tensor], wanted: Wanted
) -> LanguageModel:
    """The language model in the shards, or the one that stage 1 was given."""
    table = next((name for name in tensors if name.endswith("embed_tokens.weight")), "")
    if not table:
        if wanted.language is None:
            raise ValueError(
                f"{folder} holds no language model, as after stage 1; give language= "
                "the folder or hub name of the one that was trained with, "
                f"{fields.get('_name_or_path', 'which its config does not name')}"
            )
        language = LanguageModel.from_pretrained(wanted.language, dtype=wanted.dtype)
        language.tokenizer.chat_template = TEMPLATES[wanted.template or "plain"]
        return language
    before = table.removesuffix("model.embed_tokens.weight")
    theirs = {
        name.removeprefix(before): x
        for name, x in tensors.items()
        if not any(part in name for part in _ELSEWHERE)
    }
    kind = TEXT_MODELS[fields["model_type"]]
    known = {*AutoConfig.for_model(kind).to_dict(), *_ROPE} - _FOREIGN
    sizes = AutoConfig.for_model(kind, **{k: fields[k] for k in known & fields.keys()})
    usual = "chatml" if kind == "qwen2" else "vicuna_v1"
    return language_of(sizes, theirs, folder, wanted.template, wanted.dtype, usual)
