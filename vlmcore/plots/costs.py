"""Costs of tokens: counted operations, measured seconds, and memory of training."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmcore.cost import Speed, paper_flops
from vlmcore.plots.style import (
    colours,
    legend_beside,
    log_ticks,
    name_rows,
    panel,
    panels,
)


def prefill_cost(sizes: Mapping[str, float], tokens: np.ndarray) -> Figure:
    """The paper's cost of reading V visual tokens, a line for each language model.

    Args:
        sizes: N by the name of the model.
        tokens: values of V.
    """
    with panel(8.2, 3.6) as (figure, axis):
        for name, params in sizes.items():
            axis.plot(tokens, paper_flops(params, 0, 1) * tokens, "o-", label=name)
        log_ticks(axis, "x", tokens.tolist())
        axis.set(yscale="log", xlabel="visual tokens V", ylabel="FLOPs, 2NV")
        legend_beside(figure, axis)
    return figure


def seconds_by_tokens(tokens: np.ndarray, seconds: np.ndarray) -> Figure:
    """Measured seconds of a pass, with both sides of its roofline.

    One is the time of a single token, the other is in proportion to the tokens, through
    the last point.
    """
    with panel(7, 3.6) as (figure, axis):
        axis.plot(tokens, 1000 * seconds, "o-", label="measured")
        look = {"linewidth": 1.4, "color": "0.4"}
        axis.axhline(1000 * seconds[0], ls="--", label="the time of one token", **look)
        line = 1000 * seconds[-1] * tokens / tokens[-1]
        seen = line > 300 * seconds[0]
        axis.plot(tokens[seen], line[seen], ":", label="in proportion to them", **look)
        log_ticks(axis, "x", tokens.tolist())
        axis.set(yscale="log", xlabel="tokens in one pass", ylabel="milliseconds")
        axis.legend()
    return figure


def times_as_fast(ratios: pd.DataFrame) -> Figure:
    """Measured speed beside a reference, against N: one panel a reference.

    Args:
        ratios: columns `params`, `visual_tokens`, `reference` and `ratio`, which is the
            reference's time over ours.
    """
    references = ratios["reference"].unique()
    looks = zip(colours(), ("o-", "s--", "^:"), strict=False)
    look_of = dict(zip(sorted(ratios["visual_tokens"].unique()), looks, strict=False))
    shared = {"sharex": True, "sharey": True, "layout": "constrained"}
    with panels(1, len(references), figsize=(8.6, 3.6), **shared) as (figure, axes):
        for axis, reference in zip(axes[0], references, strict=True):
            of_it = ratios[ratios["reference"] == reference]
            for v, line in of_it.groupby("visual_tokens"):
                colour, marks = look_of[v]
                look = {"label": f"V = {v}", "color": colour}
                axis.plot(line["params"], line["ratio"], marks, **look)
            axis.axhline(1, color="0.5", linestyle="--", linewidth=1.2)
            axis.set(title=reference, xscale="log", xlabel="N")
        log_ticks(axes[0, 0], "y", (1, 2, 4, 8))
        axes[0, 0].set_ylabel("times as fast")
        legend_beside(figure, axes[0, 0])
    return figure


def cost_by_tokens(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Cost against V, one panel a title, one line a column.

    Args:
        tables: FLOPs, indexed by V.
    """
    with panels(1, len(tables), figsize=(8.2, 3.6), sharey=True) as (figure, axes):
        for axis, (title, table) in zip(axes[0], tables.items(), strict=True):
            for column, style in zip(table, ["o-", "s--", "^:"], strict=False):
                axis.plot(table.index, table[column] / 1e12, style, label=column)
            log_ticks(axis, "x", list(table.index))
            axis.set(yscale="log", xlabel="visual tokens V", title=title)
        axes[0, 0].set_ylabel("TFLOPs with the encoder")
        axes[0, 0].legend()
    return figure


def stage_seconds(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Seconds of an answer by stage: one panel a model, one bar a row.

    Args:
        tables: by the name of the model; a column for each stage.
    """
    rows = max(len(table) for table in tables.values())
    size = 8.2, len(tables) * (0.34 * rows + 0.3) + 0.9
    with panels(len(tables), figsize=size, sharex=True) as (figure, axes):
        for axis, (name, table) in zip(axes[:, 0], tables.items(), strict=True):
            _stack(axis, table)
            axis.set_title(name, loc="left")
        axes[-1, 0].set_xlabel("seconds")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


def memory_parts(table: pd.DataFrame) -> Figure:
    """Gigabytes of training by part, one bar a row.

    Args:
        table: a column for each part.
    """
    with panel(7.5, 0.4 * len(table) + 1.2) as (figure, axis):
        _stack(axis, table)
        axis.set_xlabel("GB")
        figure.legend(loc="outside upper center", ncols=table.shape[1])
    return figure


def _stack(axis: Axes, table: pd.DataFrame) -> None:
    """One horizontal bar a row, of one part a column."""
    starts = table.cumsum(axis=1) - table
    for part in table:
        axis.barh(range(len(table)), table[part], left=starts[part], label=part)
    name_rows(axis, table.index)
    axis.grid(False)


def prefill_seconds(
    tables: Mapping[str, pd.DataFrame], speeds: Mapping[str, Speed]
) -> Figure:
    """Seconds of a prefill against its operations, with fitted lines.

    Args:
        tables: by the name of the model; columns `flops`, `seconds` and `fitted`,
            whether the line was fitted to that point.
        speeds: the line of each.
    """
    with panel(8.2, 3.8) as (figure, axis):
        for (name, table), colour in zip(tables.items(), colours(), strict=False):
            flops = np.geomspace(table["flops"].min(), table["flops"].max(), 60)
            line = [speeds[name].seconds(float(each)) for each in flops]
            axis.plot(flops / 1e9, line, color=colour, label=name)
            for used, face in ((True, colour), (False, "none")):
                points = table[table["fitted"] == used]
                axis.plot(
                    points["flops"] / 1e9,
                    points["seconds"],
                    "o",
                    color=colour,
                    markerfacecolor=face,
                )
        axis.set(xscale="log", yscale="log", xlabel="GFLOPs", ylabel="seconds")
        legend_beside(figure, axis)
    return figure
