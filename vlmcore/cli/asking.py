"""The command that asks a model about an image."""

from pathlib import Path
from typing import Annotated

import typer

from vlmcore.cli.options import folder_option

ADAPTER = Path("real") / "easyvqa.safetensors"
"""The adapter with which SmolLM2 sees through one visual token, among the results."""


def ask_model(
    image: Annotated[Path, typer.Argument(help="Image file.")],
    question: Annotated[str, typer.Argument(help="Question about it.")],
    model: Annotated[
        str | None,
        typer.Option(
            help="Folder or hub name of a model: vlmcore's, LLaVA-1.5, QueCC, "
            "TokenPacker, MQT or M3. Default: SmolLM2 with one visual token, which "
            "knows easy-VQA's coloured shapes."
        ),
    ] = None,
    visual_tokens: Annotated[
        int | None, typer.Option(help="V, for a model that leaves it open.")
    ] = None,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer.")] = 32,
    results: Annotated[
        Path | None, folder_option("Folder of the default model's adapter.")
    ] = None,
) -> None:
    """Answer a question about an image."""
    from vlmcore.files import find_above
    from vlmcore.models.adapters import load_adapter
    from vlmcore.models.language import LanguageModel
    from vlmcore.models.pretrained.packaged import SMOLLM2
    from vlmcore.models.vision import VisionEncoder
    from vlmcore.models.vlm import VLM

    if model is None:
        try:
            adapter = (results or find_above("book/results", "--results")) / ADAPTER
        except FileNotFoundError as error:
            raise FileNotFoundError(
                "the default model's adapter comes with a clone of the book, not with "
                "the wheel; work in a clone, or give --results or --model"
            ) from error
        language = LanguageModel.from_pretrained(SMOLLM2)
        vlm = load_adapter(adapter, VisionEncoder.from_pretrained(), language)
    else:
        wanted = {} if visual_tokens is None else {"visual_tokens": visual_tokens}
        vlm = VLM.from_pretrained(model, **wanted)
    print(vlm.ask(image, question, max_new_tokens)[0])
