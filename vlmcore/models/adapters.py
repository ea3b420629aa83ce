"""Adapters: the compressor and the LoRA matrices of a trained model, in a small folder.

The encoder and the language model stay where they came from; a few megabytes add what
training added. The LoRA matrices are in peft's format, so `peft.PeftModel` opens the
folder too (`adapter_config.json`, `adapter_model.safetensors`); the compressor and the
sizes of the model lie beside them. Earlier adapters, which are single files with the
names of the VLM's state dict, are still read. The weights that a stage of training
leaves in its folder are made into an adapter by

    vlmcore adapter FOLDER/tune.safetensors adapter
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from vlmcore.config import LoRAConfig, VLMConfig, from_dict, to_dict
from vlmcore.config.validation import as_path, check_kind
from vlmcore.files import read_json, write_json
from vlmcore.folders import files_beside, settle
from vlmcore.models.language import LanguageModel
from vlmcore.models.lora import add_lora, peft_config
from vlmcore.models.pretrained.checks import check_safetensors
from vlmcore.models.vision import VisionEncoder
from vlmcore.models.vlm import VLM

_SIZES, _COMPRESSOR = "vlm.json", "compressor.safetensors"
_LORA, _MATRICES = "adapter_config.json", "adapter_model.safetensors"
"""Files of an adapter; peft's are the last two."""
_WRAPPER, _NAMED = "base_model.", (".default.weight", ".weight")
"""Start and end of peft's names: its files leave out what an adapter is called."""


class _Adapter(NamedTuple):
    """The parts added to an encoder and a language model."""

    config: VLMConfig
    lora: LoRAConfig | None
    added: Mapping[str, Tensor]
    """Tensors by their names in the VLM's state dict."""


def save_adapter(vlm: VLM, folder: str | Path) -> None:
    """Writes the compressor and the LoRA matrices in half precision.

    The folder has all files of the adapter or keeps those that it had.

    Raises:
        ValueError: nothing was added to the model, or a file would be replaced that the
            package did not write.
    """
    check_kind("vlm", vlm, VLM, "give a VLM")
    added = {name: x for name, x in vlm.state_dict().items() if _is_added(name)}
    if not added:
        raise ValueError(
            "nothing was added to this language model: it has neither a compressor nor "
            "LoRA matrices"
        )
    lora = vlm.language.lora and vlm.language.lora.config
    _write(_Adapter(vlm.config, lora, added), as_path("folder", folder))


def load_adapter(
    path: str | Path, vision: VisionEncoder, language: LanguageModel
) -> VLM:
    """Adds what `save_adapter` wrote to an encoder and a language model.

    Args:
        path: of the folder, or of the file of an earlier adapter.
        vision: the encoder that it was trained with.
        language: the language model that it was trained with, without LoRA matrices. It
            is changed in place.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: a file is damaged, it is no adapter, or it belongs to models of
            other sizes.
    """
    path = as_path("path", path)
    check_kind("vision", vision, VisionEncoder, "give a VisionEncoder")
    check_kind("language", language, LanguageModel, "give a LanguageModel")
    config, lora, added = _read(path)
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
    known = {name for name in vlm.state_dict() if _is_added(name)}
    trained = {name for name, _ in vlm.named_parameters() if name in known}
    if not trained <= set(added) <= known:
        raise ValueError(
            f"{path} does not hold what its config says: {config.compressor}, V = "
            f"{config.visual_tokens}, {lora or 'no LoRA'}"
        )
    vlm.load_state_dict({name: x.float() for name, x in added.items()}, strict=False)
    return vlm.eval()


def from_stage(weights: str | Path, folder: str | Path) -> None:
    """Makes an adapter of the weights of a training stage, without loading the models.

    Args:
        weights: `align.safetensors` or `tune.safetensors` in the folder of a run, with
            the stage's `.json` beside it.
        folder: of the adapter.

    Raises:
        ValueError: the stage trained the language model itself, or a file would be
            replaced that the package did not write.
    """
    weights = Path(weights)
    about, trained = read_json(weights.with_suffix(".json")), load_file(weights)
    if whole := [name for name in trained if not _is_added(name)]:
        raise ValueError(
            f"{weights} holds the language model itself, such as {whole[0]}; an "
            "adapter holds what was added to it"
        )
    lora = about.get("lora") and from_dict(LoRAConfig, about["lora"])
    _write(_Adapter(from_dict(VLMConfig, about["model"]), lora, trained), Path(folder))


def _write(adapter: _Adapter, folder: Path) -> None:
    parts: dict[str, dict[str, Tensor]] = {_COMPRESSOR: {}, _MATRICES: {}}
    for name, x in adapter.added.items():
        part, _, inner = name.partition(".")
        half = x.half().contiguous().cpu()
        if part == "language":
            parts[_MATRICES][f"{_WRAPPER}{inner.replace(*_NAMED)}"] = half
        else:
            parts[_COMPRESSOR][inner] = half
    with files_beside(folder) as partial:
        write_json(partial / _SIZES, to_dict(adapter.config))
        if adapter.lora:
            peft_config(adapter.lora).save_pretrained(str(partial))
        for file, tensors in parts.items():
            if tensors:
                save_file(tensors, partial / file, {"format": "pt"})


def _read(path: Path) -> _Adapter:
    if path.is_file():
        return _read_file(path)
    if not path.is_dir():
        raise FileNotFoundError(
            f"there is no {path}; give the folder that save_adapter wrote"
        )
    settle(path)
    if not (path / _SIZES).is_file():
        raise ValueError(
            f"{path} is no adapter: it has no {_SIZES}, which says for which model; "
            "give a folder that save_adapter wrote"
        )
    config, lora, added = from_dict(VLMConfig, read_json(path / _SIZES)), None, {}
    if config.compressor:
        for name, x in _tensors(path / _COMPRESSOR).items():
            added[f"compressor.{name}"] = x
    if (path / _LORA).is_file():
        theirs = read_json(path / _LORA)
        targets = tuple(theirs["target_modules"])
        lora = LoRAConfig(theirs["r"], theirs["lora_alpha"], targets)
        for name, x in _tensors(path / _MATRICES).items():
            inner = name.removeprefix(_WRAPPER).replace(*_NAMED[::-1])
            added[f"language.{inner}"] = x
    return _Adapter(config, lora, added)


def _read_file(path: Path) -> _Adapter:
    """An earlier adapter: one file, with the configs among its metadata."""
    added = _tensors(path)
    with safe_open(path, "pt") as file:
        about = file.metadata() or {}
    if not {"model", "lora"} <= about.keys():
        raise ValueError(
            f"{path} is no adapter: it does not say for which model; give a folder "
            "that save_adapter wrote"
        )
    lora = json.loads(about["lora"])
    config = from_dict(VLMConfig, json.loads(about["model"]))
    return _Adapter(config, lora and from_dict(LoRAConfig, lora), added)


def _tensors(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise FileNotFoundError(f"the adapter lacks {path}; copy or save it again")
    check_safetensors(path)
    return load_file(path)


def _is_added(name: str) -> bool:
    return name.startswith("compressor.") or ".lora_" in name
