"""The command that measures how long a model takes to answer."""

from pathlib import Path
from typing import Annotated

import typer


def print_latency(
    model: Annotated[
        str, typer.Argument(help="Folder or hub name of a VLM or a language model.")
    ],
    visual_tokens: Annotated[
        list[int] | None,
        typer.Option(help="V; may be repeated. Default: 1 16 144 576."),
    ] = None,
    text_tokens: Annotated[
        list[int] | None, typer.Option(help="Q, repeatable. Default: 50.")
    ] = None,
    batch: Annotated[
        list[int] | None, typer.Option(help="Questions at a time. Default: 1.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="Measurements of each time.")] = 7,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON file to write.")
    ] = None,
) -> None:
    """Measure prefill, decode and time to first token, beside their FLOPs."""
    from typing import Any

    from vlmcore.evaluation.latency import (
        describe_latency,
        latency_result,
        measure_latency,
    )
    from vlmcore.files import read_json, write_json
    from vlmcore.models.language import LanguageModel
    from vlmcore.models.language_families import LANGUAGE_FAMILIES
    from vlmcore.models.pretrained import find
    from vlmcore.models.pretrained.recognise import is_llava
    from vlmcore.models.vlm import VLM

    config = find(model) / "config.json"
    fields = read_json(config) if config.is_file() else {}
    text_only = fields.get("model_type") in LANGUAGE_FAMILIES and not is_llava(fields)
    loaded: Any = (LanguageModel if text_only else VLM).from_pretrained(model)
    found = measure_latency(
        loaded.eval(),
        visual_tokens or (1, 16, 144, 576),
        text_tokens or (50,),
        batch or (1,),
        repeats=repeats,
    )
    print(describe_latency(found))
    if out is not None:
        write_json(out, {"model": model} | latency_result(found))
