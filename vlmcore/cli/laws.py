"""The command that fits a law to a researcher's own table."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmcore.cli.options import file_argument


class Form(StrEnum):
    """The forms of law that can be asked for."""

    product = "product"
    additive = "additive"
    loglinear = "log-linear"
    interaction = "interaction"


def fit_own_table(
    table: Annotated[
        Path,
        file_argument(
            "CSV file with the columns N, V and error, and perhaps count or weight."
        ),
    ],
    form: Annotated[Form, typer.Option(help="Form of the law.")] = Form.product,
    billions: Annotated[
        bool, typer.Option("--billions", help="N is in billions of parameters.")
    ] = False,
    text_tokens: Annotated[
        float, typer.Option(min=0, help="Q, text tokens; 0 if the text is cached.")
    ] = 50,
    budget: Annotated[
        float | None,
        typer.Option(
            help="FLOPs for one question. Default: halfway, in logarithms, from the "
            "cheapest measured model to the most expensive one."
        ),
    ] = None,
    refits: Annotated[int, typer.Option(min=1, help="Bootstrap refits.")] = 1000,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object.")
    ] = False,
) -> None:
    """Fit a law to a table of errors, with its intervals, and choose for a budget."""
    from vlmcore.scaling import Additive, Interaction, LogLinear, Product
    from vlmcore.scaling.tables import fit_table, summary

    forms = dict(zip(Form, (Product, Additive, LogLinear, Interaction), strict=True))
    fit = fit_table(table, forms[form], billions=billions)
    found = summary(fit, text_tokens, budget, refits)
    if as_json:
        print(json.dumps(found, indent=1, allow_nan=False))
    else:
        print("\n".join(_lines(found)))


def _lines(found: dict[str, Any]) -> list[str]:
    parameters = "  ".join(f"{k} {v:.4g}" for k, v in found["parameters"].items())
    bound = (
        f" (at a bound: {', '.join(found['at_bound'])})" if found["at_bound"] else ""
    )
    (n0, n1), (v0, v1) = found["data"]["N"], found["data"]["V"]
    lines = [
        f"{found['form']} law, N in units of {found['unit']:g} parameters",
        f"  {parameters}{bound}",
        f"  {found['points']} points, N {n0:g} to {n1:g}, V {v0:g} to {v1:g}, "
        f"R² {found['r2']:.3f}",
        "",
        "95 % intervals",
    ]
    for method, quantities in found["intervals"].items():
        ends = (f"{name} {_interval(each)}" for name, each in quantities.items())
        lines.append(f"  {method:10} {'  '.join(ends)}")
    if lost := found["share_refused"]:
        lines.append(f"  {lost:.1%} of the bootstrap's draws were refused")
    lines += [f"  {found['trust']}", ""]
    lines.append(f"Frontier of the measured models at Q = {found['text_tokens']:g}")
    for row in found["frontier"]:
        lines.append(
            f"  N {row['N']:<8.3g} V {row['V']:<4g} error {row['error']:.4f}  "
            f"{row['flops']:.3g} FLOPs"
        )
    lines += ["", f"For {found['budget']:.3g} FLOPs"]
    for which, choice in found["choice"].items():
        lines.append(f"  {which}: {_choice(choice)}")
    return lines


def _interval(each: dict[str, Any]) -> str:
    low, high = (
        "∞" if end is None else f"{end:.4g}" for end in (each["low"], each["high"])
    )
    return f"{each['value']:.4g} [{'−' * (each['low'] is None)}{low}, {high}]"


def _choice(choice: dict[str, Any] | None) -> str:
    if choice is None:
        return "no measured model costs so little"
    outside = " and ".join(choice["outside"])
    note = f"; {outside} outside the data, an extrapolation" if outside else ""
    return (
        f"N {choice['N']:.3g}, V {choice['V']:g}, error {_interval(choice['error'])}, "
        f"the choice of {choice['agreement']:.0%} of the refits{note}"
    )
