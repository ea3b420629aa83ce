"""Commands about evaluation: the official benchmark files, and a probe in text."""

from pathlib import Path
from typing import Annotated

import typer


def list_sources(
    benchmark: Annotated[
        str | None, typer.Argument(help="Benchmark, such as pope. Default: list all.")
    ] = None,
    folder: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder of the benchmarks.")
    ] = Path("data/benchmarks"),
) -> None:
    """List the official benchmark files, or print the commands that fetch them.

    Nothing is downloaded. `vlmcore sources pope | sh` fetches a benchmark.
    """
    from vlmcore.evaluation.sources import OTHER_SOURCES, SOURCES, commands

    if benchmark is None:
        for name, source in SOURCES.items():
            for path in (folder / name / need for need in source.needs):
                print(f"{name:10} {'present' if path.exists() else 'missing'} {path}")
        print(f"# other files: {', '.join(OTHER_SOURCES)}")
        return
    print("\n".join(commands(benchmark, folder)))


def probe_facts_in_text(
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder for the result file.")
    ],
    model: Annotated[
        str, typer.Option(help="Folder or hub name of a chat model.")
    ] = "HuggingFaceTB/SmolLM2-135M-Instruct",
) -> None:
    """Ask a language model in text for facts that no image shows."""
    from vlmcore.experiments.analysis.factual_probe import factual_probe_result
    from vlmcore.files import write_result

    result = factual_probe_result(model, out)
    write_result(out / f"{result['name']}.json", result)
    print(f"{result['right']} of {result['count']} facts known")
