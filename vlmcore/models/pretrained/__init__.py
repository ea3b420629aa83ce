"""Finding pretrained parts: in a folder, in a package of the registry, or on the hub.

`LanguageModel.from_pretrained` and `VisionEncoder.from_pretrained` call
`find_checkpoint`, `VLM.from_pretrained` calls `find`. Nothing
is downloaded unless a hub name is given, and no code of a checkpoint is ever run.
Weights are safetensors; of a checkpoint that has only `pytorch_model.bin`, they are
converted once.
"""

import re
import shutil
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
)
from safetensors.torch import save_file

from vlmcore.config.validation import as_path
from vlmcore.fingerprint import fingerprint
from vlmcore.folders import MANIFEST, files_beside, settle
from vlmcore.models.pretrained.packaged import (
    PACKAGED,
    available,
    cache,
    check_converted,
    converted,
)
from vlmcore.models.pretrained.tensors import read_file, weight_files

_UNREACHABLE = HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError
_WANTED = ["*.json", "*.safetensors", "*.jinja", "*.txt", "tokenizer.model"]
_BIN = "*.bin"


def find_checkpoint(name: str | Path) -> Path:
    """The folder of a checkpoint whose weights are safetensors; as for `find`.

    Weights in `pytorch_model.bin`, or its shards, are converted into a folder of the
    cache, which is checked by checksum whenever it is used.

    Raises:
        ValueError: as `find`, or the file is damaged or holds more than tensors.
    """
    folder = find(name)
    files = weight_files(folder) if (folder / "config.json").is_file() else []
    if not files or files[0].suffix == ".safetensors":
        return folder
    about = [(path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    place = cache() / f"converted-{fingerprint(folder.resolve(), about)}"
    if not (settle(place) / MANIFEST).exists():
        tensors = {
            name: x.clone() for path in files for name, x in read_file(path).items()
        }
        with files_beside(place) as partial:
            save_file(tensors, partial / "model.safetensors", {"format": "pt"})
            for path in folder.iterdir():
                small = path.suffix in {".json", ".jinja", ".txt", ".model"}
                if small and path.is_file() and not path.name.endswith(".index.json"):
                    shutil.copy(path, partial / path.name)
    check_converted(place)
    return place


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
        here = Path(snapshot_download(str(name), allow_patterns=_WANTED))
        if not any(here.glob("*.safetensors")):
            here = Path(snapshot_download(str(name), allow_patterns=[*_WANTED, _BIN]))
        return here
    except _UNREACHABLE as error:
        known = PACKAGED.get(str(name))
        hint = f"; without the hub, {known.way}" if known else ""
        raise FileNotFoundError(
            f"{name} is no folder, and the hub does not give a checkpoint of that "
            f"name{hint}"
        ) from error
