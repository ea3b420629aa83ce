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
from vlmcore.models.pretrained.packaged import PACKAGED, available, converted

_UNREACHABLE = HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError
_WANTED = ["*.json", "*.safetensors", "*.jinja", "*.txt", "tokenizer.model"]


def find(name: str | Path) -> Path:
    """The folder of a checkpoint in transformers' format.

    Args:
        name: a folder, or a name on the hub such as `Qwen/Qwen2.5-0.5B-Instruct`.
            One of `packaged.PACKAGED` is taken from an installed package, or from
            the cache where it was assembled, and then needs no hub.

    Raises:
        FileNotFoundError: there is neither such a folder nor such a hub checkpoint.
        ValueError: the package's file, or its converted form, is damaged, or the name
            is no text.
    """
    folder = as_path("name", name)
    if folder.is_dir() or not re.fullmatch(r"[\w.-]+/[\w.-]+", str(name)):
        return folder  # the caller reports what the folder lacks
    if available(str(name)):
        return converted(str(name))
    try:
        return Path(snapshot_download(str(name), allow_patterns=_WANTED))
    except _UNREACHABLE as error:
        known = PACKAGED.get(str(name))
        hint = f"; without the hub, {known.way}" if known else ""
        raise FileNotFoundError(
            f"{name} is no folder, and the hub does not give a checkpoint of that "
            f"name{hint}"
        ) from error
