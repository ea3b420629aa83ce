"""Commands about evaluation: models on the benchmarks, their files, a probe in text."""

from pathlib import Path
from typing import Annotated, Any

import typer

from vlmcore.cli.options import folder_option

_Model = Annotated[
    str,
    typer.Argument(
        help="Folder of a model of this package, or folder or hub name of one of "
        "transformers, such as llava-hf/llava-1.5-7b-hf. benchmark-model is the one "
        "of the chapters."
    ),
]
_Benchmark = typer.Argument(help="Benchmark, such as pope; `vlmcore sources` has all.")
_Benchmarks = Annotated[Path, folder_option("Folder of the benchmarks' folders.")]
_BENCHMARKS = Path("data/benchmarks")
_Out = Annotated[Path, folder_option("Folder for answers and results.")]
_Limit = typer.Option(min=1, help="Ask so many questions, spread over the file.")
_Rule = typer.Option(help="Another rule, such as pope_lenient. Default: the official.")
_Images = typer.Option(help="Whose images are shown: real, none, permuted.")
_Workers = typer.Option(min=0, help="Processes that prepare images.")
_Share = typer.Option(
    metavar="I/N",
    help="Ask only this share, for several GPUs; the last one scores. auto is that of "
    "a process of accelerate launch or torchrun.",
)


def list_sources(
    benchmark: Annotated[
        str | None, typer.Argument(help="Benchmark, such as pope. Default: list all.")
    ] = None,
    folder: _Benchmarks = _BENCHMARKS,
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
    model: _Model,
    benchmark: Annotated[str, _Benchmark],
    data: _Benchmarks = _BENCHMARKS,
    out: _Out = Path("results"),
    limit: Annotated[int | None, _Limit] = None,
    images: Annotated[str, _Images] = "real",
    rule: Annotated[str | None, _Rule] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    batch: Annotated[int, typer.Option(min=1, help="Questions a step.")] = 16,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest answer.")] = 16,
    workers: Annotated[int, _Workers] = 2,
    share: Annotated[str, _Share] = "1/1",
) -> None:
    """Ask a model the questions of a benchmark, and score its answers.

    An interrupted run resumes. The result is one JSON, with the answers in LLaVA's
    format beside it, and a file for the server where a benchmark has one.

    A record or image that cannot be read is left out, counted in the result and named
    by file, line and field. The command stops where a file or an image is missing, a
    file is no JSON or table, or none of its records can be read.
    """
    from vlmcore.evaluation.reports import evaluate_to_folder
    from vlmcore.evaluation.settings import Settings

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
    out: Annotated[Path, folder_option("Folder for the result file.")],
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
