"""All tensors of a checkpoint folder by name, in whatever files they are.

Files are safetensors or torch's `.bin`, in one piece or in shards that an index lists.
A `.bin` is a pickle; it is read with `weights_only=True`, which builds tensors and
plain values and runs nothing. Both kinds are mapped from disk, not copied.
"""

import zipfile
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from vlmcore.config.validation import check_kind
from vlmcore.files import read_json
from vlmcore.models.pretrained.checks import check_safetensors

_WHOLE = ("model.safetensors", "pytorch_model.bin")
STAGE_ONE = ("mm_projector.bin", "query_abstractor.bin")
"""Files that LLaVA's stage 1 leaves beside the language model, and MQT's."""


def weight_files(folder: Path) -> list[Path]:
    """The files of a checkpoint: safetensors if it has them, or else `.bin`.

    Raises:
        FileNotFoundError: a shard is missing.
        ValueError: an index is damaged.
    """
    for whole in _WHOLE:
        if (index := folder / f"{whole}.index.json").exists():
            files = read_json(index)
            check_kind(str(index), files, dict, "copy or make it again")
            shards = files.get("weight_map")
            check_kind(f"weight_map of {index}", shards, dict, "copy or make it again")
            paths = [folder / name for name in sorted(set(shards.values()))]
            for path in paths:
                if not path.is_file():
                    raise FileNotFoundError(
                        f"{folder} holds no {path.name}, which {index.name} lists; "
                        "copy it too"
                    )
            return paths
        if (path := folder / whole).exists():
            return [path]
    return []


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint, and those that stage 1 left in files of their own.

    Raises:
        FileNotFoundError: there are no weights, or a shard is missing.
        ValueError: a file is damaged, or is no file of tensors.
    """
    parts = [folder / name for name in STAGE_ONE if (folder / name).exists()]
    tensors: dict[str, Tensor] = {}
    for path in (*parts, *weight_files(folder)):
        tensors |= read_file(path)
    if not tensors:
        names = ", ".join((*_WHOLE, *STAGE_ONE))
        raise FileNotFoundError(
            f"{folder} holds no weights; copy one of {names}, or all shards with their "
            "index"
        )
    return tensors


def read_file(path: Path) -> dict[str, Tensor]:
    """The tensors of one file; raises as `read_tensors`."""
    if path.suffix == ".safetensors":
        check_safetensors(path)
        return load_file(path)
    try:
        content: Any = torch.load(
            path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
        )
    except UnpicklingError as error:
        raise ValueError(
            f"{path} is no file of tensors: it is damaged, or holds code that would "
            "have to be run; copy it again, or take safetensors"
        ) from error
    except (RuntimeError, EOFError, OSError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is damaged; copy or make it again") from error
    if not isinstance(content, dict) or not content:
        raise ValueError(f"{path} holds no tensors by name; copy or make it again")
    for name, x in content.items():
        if not isinstance(x, Tensor):
            raise ValueError(
                f"{path} holds {name!r}, a {type(x).__name__}; give a file with the "
                "tensors of a model and nothing else"
            )
    return content
