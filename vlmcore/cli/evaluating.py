"""Commands about evaluation: models on the benchmarks, their files, a probe in text."""

from pathlib import Path
from typing import Annotated, Any

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


def evaluate_model(
    model: Annotated[
        str,
        typer.Argument(
            help="Folder of a model of this package, or folder or hub name of one of "
            "transformers, such as llava-hf/llava-1.5-7b-hf. benchmark-model is the "
            "one of the chapters."
        ),
    ],
    benchmark: Annotated[
        str, typer.Argument(help="Benchmark, such as pope; `vlmcore sources` has all.")
    ],
    data: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder of the benchmarks' folders.")
    ] = Path("data/benchmarks"),
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder for answers and results.")
    ] = Path("results"),
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Ask so many questions, spread over the file."),
    ] = None,
    images: Annotated[
        str, typer.Option(help="Whose images are shown: real, none, permuted.")
    ] = "real",
    rule: Annotated[
        str | None,
        typer.Option(help="Another rule, such as pope_lenient. Default: the official."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    batch: Annotated[int, typer.Option(min=1, help="Questions a step.")] = 16,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest answer.")] = 16,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that prepare images.")
    ] = 2,
    share: Annotated[
        str,
        typer.Option(
            metavar="I/N",
            help="Ask only this share, for several GPUs; the last one scores. auto is "
            "that of a process of accelerate launch or torchrun.",
        ),
    ] = "1/1",
) -> None:
    """Ask a model the questions of a benchmark, and score its answers.

    An interrupted run resumes. The result is one JSON, with the answers in LLaVA's
    format beside it, and a file for the server where a benchmark has one.

    A record or image that cannot be read is left out, counted in the result and named
    by file, line and field. The command stops where a file or an image is missing, a
    file is no JSON or table, or none of its records can be read.
    """
    from vlmcore.evaluation.reports import Settings, evaluate_to_folder

    settings = Settings(benchmark, str(data), rule, limit, images, max_new_tokens)
    skipped = settings.questions().skipped()  # found before a model is loaded
    if skipped.count:
        print(f"skipped    {skipped.count} records: {skipped}")
    how: dict[str, Any] = {"batch_size": batch, "workers": workers, "progress": True}
    loaded, name = _loaded(model, device)
    _print_result(evaluate_to_folder(loaded, name, settings, out, share, **how))


def _loaded(model: str, device: str) -> tuple[Any, str]:
    """A model and its name in the results."""
    if model == "benchmark-model":
        from vlmcore.experiments.benchmark_model import load_model as load_our_own

        return load_our_own(), model
    from vlmcore.evaluation.hub_models import load_model

    name = Path(model).resolve().name if Path(model).is_dir() else model
    return load_model(model, device), name


def _print_result(result: dict[str, Any]) -> None:
    for field in ("score", "interval", "chance", "parseable", "count", "submission"):
        if field in result:
            print(f"{field:10} {result[field]}")
    left_out = result.get("unreadable", {"count": 0})
    if left_out["count"]:
        print(f"no image   {left_out['count']} questions: {left_out['first'][0]}")


def compare_results(
    results: Annotated[
        list[Path], typer.Argument(help="JSON files of `vlmcore evaluate`.")
    ],
) -> None:
    """Print a Markdown table of models on one benchmark, with paired intervals."""
    from vlmcore.evaluation.reports import comparison

    print(comparison(results))


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
