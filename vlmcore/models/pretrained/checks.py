"""Checks that checkpoint files are complete, and loading without progress bars."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transformers.utils import logging

from vlmcore.config.validation import check_kind
from vlmcore.files import read_json
from vlmcore.folders import settle


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Switches off transformers' progress bars and warnings.

    One warning is of CLIP's text tower, which is left out when its image tower is
    loaded.
    """
    shown, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()


def check_checkpoint(folder: Path) -> None:
    """Raises an error when a checkpoint folder of transformers is not complete.

    Weights may be in one file or in shards.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is damaged.
    """
    settle(folder)
    index, shards = folder / "model.safetensors.index.json", ["model.safetensors"]
    if index.exists():
        content = read_json(index)
        check_kind(str(index), content, dict, "copy or make it again")
        files = content.get("weight_map")
        check_kind(f"weight_map of {index}", files, dict, "copy or make it again")
        shards = sorted(set(files.values()))
    for name in ("config.json", *shards):
        if not (folder / name).exists():
            raise FileNotFoundError(
                f"{folder} holds no {name}; give the folder that save_pretrained wrote"
            )
    for path in folder.glob("*.json"):
        read_json(path)
    for name in shards:
        check_safetensors(folder / name)


def check_safetensors(path: Path) -> None:
    """Raises ValueError when a safetensors file has not the size its header gives."""
    size = path.stat().st_size
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
        if size < 8 or header_bytes > size:
            raise ValueError(
                f"{path} is damaged: {size} bytes cannot hold its header; copy or "
                "make it again"
            )
        try:
            header = json.loads(file.read(header_bytes))
            header.pop("__metadata__", None)
            ends = [entry["data_offsets"][1] for entry in header.values()]
        except (ValueError, AttributeError, TypeError, LookupError) as error:
            raise ValueError(
                f"{path} is damaged: its header cannot be read; copy or make it again"
            ) from error
    data = max(ends, default=0)
    end = 8 + header_bytes + data
    if size != end:
        raise ValueError(
            f"{path} is damaged: it has {size} bytes and should have {end}; copy or "
            "make it again"
        )
