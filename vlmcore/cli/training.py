"""Commands that train models or convert their weights."""

from pathlib import Path
from typing import Annotated

import typer

from vlmcore.cli.options import folder_option

_Work = Annotated[Path, folder_option("Folder for logs and unfinished work.")]


def train_encoder(
    out: Annotated[Path, folder_option("Folder for the checkpoint.")],
    work: _Work = Path("_build/pretraining"),
    seed: Annotated[int, typer.Option(help="Seed of weights and images.")] = 0,
) -> None:
    """Train the encoder as a small CLIP on drawn shapes (20 minutes on two cores)."""
    from vlmcore.experiments.pretraining.vision_encoder import pretrain_vision

    pretrain_vision(work / f"vision-{seed}", seed=seed).save_pretrained(out)


def probe_encoder(
    out: Annotated[Path, folder_option("Folder for the result file.")],
) -> None:
    """Train a linear probe on the encoder in the package, on easy-VQA's images."""
    from vlmcore.experiments.pretraining.vision_encoder import linear_probe
    from vlmcore.files import write_result
    from vlmcore.models.vision import CHECKPOINT, VisionEncoder

    probe = linear_probe(VisionEncoder.from_pretrained())
    command = f"vlmcore encoder probe --out {out}"
    result = {"name": CHECKPOINT.name, "probe": probe, "command": command}
    write_result(out / f"{CHECKPOINT.name}.json", result)
    for features, share in probe.items():
        print(f"{features}: {share['right']} of {share['count']} images right")


def train_benchmark_model(
    out: Annotated[Path, folder_option("Folder for the weights.")],
    work: _Work = Path("_build/benchmark_model"),
) -> None:
    """Train the model that the chapters evaluate on benchmark-format questions."""
    from vlmcore.experiments.benchmark_model import make_weights

    make_weights(work, out)


def make_adapter(
    weights: Annotated[
        Path, typer.Argument(help="align.safetensors or tune.safetensors of a run.")
    ],
    folder: Annotated[Path, typer.Argument(help="Folder of the adapter to write.")],
) -> None:
    """Convert the weights of a training stage to a small adapter."""
    from vlmcore.models.adapters import from_stage

    from_stage(weights, folder)


def make_vqa_set(
    out: Annotated[Path, folder_option("Folder for images and questions.")],
    photographs: Annotated[
        Path | None,
        folder_option(
            "skimage/data of an installed scikit-image. Default: drawings alone."
        ),
    ] = None,
    drawings: Annotated[int, typer.Option(help="How many drawings.")] = 108,
    seed: Annotated[int, typer.Option(help="Seed of the drawings.")] = 0,
) -> None:
    """Make a small VQA set in LLaVA's format, of drawings and free photographs."""
    from vlmcore.data.open_vqa import write_set

    write_set(out, photographs, drawings=drawings, seed=seed)
