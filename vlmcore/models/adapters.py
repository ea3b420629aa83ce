"""Adapters: the compressor and the LoRA matrices of a trained model, in one small file.

The encoder and the language model stay where they came from; a file of a few megabytes
adds what training added. Tensors have the names of the VLM's state dict. The file of
weights that a stage of training leaves in its folder is made into an adapter by

    vlmcore adapter FOLDER/tune.safetensors adapter.safetensors
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from vlmcore.config import LoRAConfig, VLMConfig, from_dict, to_dict
from vlmcore.config.validation import as_path, check_kind
from vlmcore.files import beside, read_json
from vlmcore.models.language import LanguageModel
from vlmcore.models.lora import add_lora
from vlmcore.models.pretrained.checks import check_safetensors
from vlmcore.models.vision import VisionEncoder
from vlmcore.models.vlm import VLM


def save_adapter(vlm: VLM, path: str | Path) -> None:
    """Writes the compressor and the LoRA matrices in half precision.

    The file appears complete or not at all.

    Raises:
        ValueError: nothing was added to the model, or there is a file of this name that
            is no adapter.
    """
    check_kind("vlm", vlm, VLM, "give a VLM")
    added = {name: x for name, x in vlm.state_dict().items() if _is_added(name)}
    if not added:
        raise ValueError(
            "nothing was added to this language model: it has neither a compressor nor "
            "LoRA matrices"
        )
    lora = vlm.language.lora
    path = as_path("path", path)
    _write(added, to_dict(vlm.config), lora and to_dict(lora.config), path)


def load_adapter(
    path: str | Path, vision: VisionEncoder, language: LanguageModel
) -> VLM:
    """Adds what `save_adapter` wrote to an encoder and a language model.

    Args:
        path: of the file.
        vision: the encoder that it was trained with.
        language: the language model that it was trained with, without LoRA matrices. It
            is changed in place.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, is no adapter, or belongs to models of other
            sizes.
    """
    path = as_path("path", path)
    check_kind("vision", vision, VisionEncoder, "give a VisionEncoder")
    check_kind("language", language, LanguageModel, "give a LanguageModel")
    config, lora = _read_configs(path)
    for part, theirs, mine in (
        ("language", config.language, language.config),
        ("vision", config.vision, vision.config),
    ):
        if theirs != mine:
            raise ValueError(
                f"{path} belongs to another {part} model: {theirs}, and this one is "
                f"{mine}"
            )
    vlm = VLM.from_parts(config, vision, language)
    if lora is not None:
        add_lora(language, lora)
    added = {name: x.float() for name, x in load_file(path).items()}
    known = {name for name in vlm.state_dict() if _is_added(name)}
    trained = {name for name, _ in vlm.named_parameters() if name in known}
    if not trained <= set(added) <= known:
        raise ValueError(
            f"{path} does not hold what its config says: {config.compressor}, V = "
            f"{config.visual_tokens}, {lora or 'no LoRA'}"
        )
    vlm.load_state_dict(added, strict=False)
    return vlm.eval()


def from_stage(weights: str | Path, path: str | Path) -> None:
    """Makes an adapter of the weights of a training stage, without loading the models.

    Args:
        weights: `align.safetensors` or `tune.safetensors` in the folder of a run, with
            the stage's `.json` beside it.
        path: of the adapter.

    Raises:
        ValueError: the stage trained the language model itself, or there is a file of
            the adapter's name that is none.
    """
    weights = Path(weights)
    about, trained = read_json(weights.with_suffix(".json")), load_file(weights)
    if whole := [name for name in trained if not _is_added(name)]:
        raise ValueError(
            f"{weights} holds the language model itself, such as {whole[0]}; an "
            "adapter holds what was added to it"
        )
    _write(trained, about["model"], about.get("lora"), Path(path))


def _write(added: Mapping[str, Tensor], model: Any, lora: Any, path: Path) -> None:
    if path.exists():
        _read_configs(path)  # refuses to replace what is no adapter
    half = {name: x.half().contiguous().cpu() for name, x in added.items()}
    with beside(path) as partial:
        save_file(half, partial, {"model": json.dumps(model), "lora": json.dumps(lora)})


def _read_configs(path: Path) -> tuple[VLMConfig, LoRAConfig | None]:
    """The configs that an adapter carries."""
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no {path}; give the file that save_adapter wrote"
        )
    check_safetensors(path)
    with safe_open(path, "pt") as file:
        about = file.metadata() or {}
    if not {"model", "lora"} <= about.keys():
        raise ValueError(
            f"{path} is no adapter: it does not say for which model; give a file "
            "that save_adapter wrote"
        )
    lora = json.loads(about["lora"])
    config = from_dict(VLMConfig, json.loads(about["model"]))
    return config, lora and from_dict(LoRAConfig, lora)


def _is_added(name: str) -> bool:
    return name.startswith("compressor.") or ".lora_" in name
