"""A folder, or a name on the hub, as the parts of a vision-language model.

The folder may be this package's own, in LLaVA's layout or in that of `llava-hf`; its
config says which.
"""

from functools import partial
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import nn

from vlmcore.config import VLMConfig, from_dict
from vlmcore.config.validation import as_path, check_choice, check_kind
from vlmcore.files import read_json
from vlmcore.folders import settle
from vlmcore.models.language import LanguageModel
from vlmcore.models.pretrained import find
from vlmcore.models.pretrained.checks import check_safetensors
from vlmcore.models.pretrained.llava import open_llava
from vlmcore.models.pretrained.llava_hf import open_llava_hf
from vlmcore.models.pretrained.parts import Parts, Wanted
from vlmcore.models.pretrained.recognise import is_llava
from vlmcore.models.vision import VisionEncoder


def open_parts(name: str | Path, **options: Any) -> Parts:
    """Opens a model of any of the layouts.

    Args:
        name: a folder or a name on the hub.
        **options: the fields of `Wanted`, for a released checkpoint.

    Raises:
        FileNotFoundError: a part is missing.
        ValueError: a part is damaged or does not fit, or the model is of a kind that is
            not supported.
    """
    for option in options:
        check_choice("option", option, Wanted._fields)
    wanted = Wanted(**options)
    wanted.check()
    folder = settle(find(as_path("name", name)))
    fields = read_json(_existing(folder / "config.json"))
    check_kind(str(folder / "config.json"), fields, dict, "copy it again")
    if is_llava(fields):
        return open_llava(folder, fields, wanted)
    if "model_type" in fields:
        return open_llava_hf(folder, fields, wanted)
    if options:
        raise ValueError(
            f"{folder} holds a whole VLM, which needs no {', '.join(options)}; leave "
            "the options out"
        )
    config = from_dict(VLMConfig, fields)
    return Parts(
        config,
        VisionEncoder.from_pretrained(folder / "vision", config.vision.layers),
        LanguageModel.from_pretrained(folder / "language"),
        partial(_load_own, folder, config),
    )


def _load_own(folder: Path, config: VLMConfig, compressor: nn.Module) -> None:
    weights = _existing(folder / "compressor.safetensors")
    check_safetensors(weights)
    try:
        compressor.load_state_dict(load_file(weights))
    except RuntimeError as error:
        raise ValueError(
            f"{weights} does not fit config.json: {config.compressor}, V = "
            f"{config.visual_tokens}"
        ) from error


def _existing(path: Path) -> Path:
    """The path of a file, or a sentence if there is none."""
    if not path.exists():
        raise FileNotFoundError(
            f"{path.parent} holds no {path.name}; give the folder that "
            "save_pretrained wrote, or a whole released checkpoint"
        )
    return path
