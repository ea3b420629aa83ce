"""Commands about results: the report, a repeated run, coverage of intervals."""

import json
from pathlib import Path
from typing import Annotated

import typer

from vlmcore.cli.options import file_argument, folder_option
from vlmcore.files import find_above


def print_report(
    results: Annotated[
        Path | None,
        folder_option("Folder of the results. Default: the nearest book/results."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a list of JSON objects.")
    ] = False,
) -> None:
    """Print every headline number, recomputed from the results."""
    from vlmcore.experiments.analysis.headline_numbers import ledger

    folder = results or find_above("book/results", "--results")
    rows = [entry.row() for entry in ledger(folder)]
    if as_json:
        print(json.dumps(rows, indent=1, allow_nan=False))
        return
    for row in rows:
        ends = "" if row["low"] is None else f"[{row['low']:.4g}, {row['high']:.4g}]"
        interval = f"{ends} {row['interval'] or ''}"
        print(f"{row['name']:58} {row['value']:9.4g} {interval:36} n = {row['count']}")


def repeat_run(
    file: Annotated[Path, file_argument("Result file of a run, ID.json.")],
) -> None:
    """Repeat a run from its result file and compare the two scores.

    Everything is trained again, the language model included. The command fails if the
    scores differ by more than four standard errors.
    """
    from vlmcore.experiments.rerun import TOLERANCE, rerun

    found = rerun(file)
    print(
        f"Score {found.before:.4f} in the file, {found.after:.4f} now; "
        f"{found.changed} answers changed between right and wrong."
    )
    print(
        f"The difference is {abs(found.after - found.before):.4f}; up to "
        f"{TOLERANCE:.0f} standard errors of {found.standard_error:.4f} are "
        "allowed."
    )
    if not found.holds:
        raise typer.Exit(1)


def simulate_coverage(
    out: Annotated[Path, folder_option("Folder for the result files.")] = Path(
        "book/results/laws"
    ),
    simulations: Annotated[
        int, typer.Option(min=1, help="Data sets per setting.")
    ] = 2000,
    with_refits: Annotated[
        int,
        typer.Option(
            min=1, help="Data sets for the bootstrap and the jackknife, among these."
        ),
    ] = 300,
) -> None:
    """Simulate how often each confidence interval contains the true value.

    There is one file per planted law. A law that has a file of the same command is
    skipped.
    """
    from vlmcore.files import stored_result, write_json
    from vlmcore.scaling.coverage import COMMAND, result
    from vlmcore.scaling.planted import SETTINGS

    if with_refits > simulations:
        raise ValueError(
            f"{with_refits} data sets with refits are more than the {simulations} in "
            "all; lower --with-refits or raise --simulations"
        )
    command = COMMAND.format(simulations, with_refits)
    for setting in SETTINGS:
        path = out / f"coverage_{setting.name}.json"
        if not stored_result(path, name=setting.name, command=command):
            write_json(path, result(setting, simulations, with_refits))
            print(f"{path} written", flush=True)
