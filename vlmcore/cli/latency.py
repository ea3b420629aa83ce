"""The command that measures how long a model takes to answer."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import torch

Dtype = StrEnum("Dtype", ["float32", "bfloat16", "float16"])
_Model = typer.Argument(
    help="Folder or hub name of a VLM or a language model; or the sizes of one with "
    "random weights behind CLIP-L/14 and QueCC, such as Qwen2.5-0.5B."
)
_VisualTokens = typer.Option(help="V; may be repeated. Default: 1 16 144 576.")
_TextTokens = typer.Option(help="Q, repeatable. Default: 50.")
_Batch = typer.Option(help="Questions at a time. Default: 1.")


def print_latency(
    model: Annotated[str, _Model],
    visual_tokens: Annotated[list[int] | None, _VisualTokens] = None,
    text_tokens: Annotated[list[int] | None, _TextTokens] = None,
    batch: Annotated[list[int] | None, _Batch] = None,
    dtype: Annotated[Dtype, typer.Option(help="Of the weights.")] = Dtype.float32,
    repeats: Annotated[int, typer.Option(help="Measurements of each time.")] = 7,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON file to write.")
    ] = None,
) -> None:
    """Measure prefill, decode and time to first token, beside their FLOPs."""
    import torch

    from vlmcore.evaluation.latency import (
        describe_latency,
        latency_result,
        measure_latency,
    )
    from vlmcore.files import write_json

    found = measure_latency(
        _load(model, getattr(torch, dtype)).eval(),
        visual_tokens or (1, 16, 144, 576),
        text_tokens or (50,),
        batch or (1,),
        repeats=repeats,
    )
    print(describe_latency(found))
    if out is not None:
        asked = {
            "--visual-tokens": visual_tokens,
            "--text-tokens": text_tokens,
            "--batch": batch,
            "--repeats": [repeats],
        }
        options = [f"{name} {n}" for name, some in asked.items() for n in some or ()]
        command = " ".join([f"vlmcore latency {model} --dtype {dtype}", *options])
        write_json(out, {"model": model, "command": command} | latency_result(found))


def _load(model: str, dtype: "torch.dtype") -> Any:
    """A model as it is asked for, on a GPU where there is one."""
    import torch

    from vlmcore.config import CLIP_L_336, LANGUAGE_SIZES, QueCCConfig, VLMConfig
    from vlmcore.files import read_json
    from vlmcore.models.language import LanguageModel, word_tokenizer
    from vlmcore.models.language_families import LANGUAGE_FAMILIES
    from vlmcore.models.pretrained import find
    from vlmcore.models.pretrained.recognise import is_llava
    from vlmcore.models.vlm import VLM

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if model in LANGUAGE_SIZES and not Path(model).exists():
        config = VLMConfig(LANGUAGE_SIZES[model], 1, QueCCConfig(heads=8), CLIP_L_336)
        return VLM.from_config(config, word_tokenizer(["a"])).to(device, dtype)
    config_file = find(model) / "config.json"
    fields = read_json(config_file) if config_file.is_file() else {}
    text_only = fields.get("model_type") in LANGUAGE_FAMILIES and not is_llava(fields)
    kind: Any = LanguageModel if text_only else VLM
    return kind.from_pretrained(model).to(device, dtype)
