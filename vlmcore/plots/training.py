"""Training curves, the accuracy that training reached, and its memory."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from vlmcore.plots.style import colours, legend_beside, panel, panels


def losses(
    logs: Mapping[str, pd.DataFrame],
    window: int = 5,
    ylabel: str = "loss (nats a token)",
) -> Figure:
    """Training curves, one panel a stage: the logged losses and their running mean.

    Args:
        logs: titles and tables with the columns `step` and `loss`.
        window: logged steps averaged.
        ylabel: what the losses are.
    """
    with panels(1, len(logs), figsize=(7.5, 2.8)) as (figure, axes):
        for axis, (title, log) in zip(axes[0], logs.items(), strict=True):
            axis.plot(log["step"], log["loss"], color="0.75", linewidth=0.8)
            axis.plot(log["step"], log["loss"].rolling(window, min_periods=1).mean())
            axis.set(yscale="log", xlabel="step")
            axis.set_title(title)
        axes[0, 0].set_ylabel(ylabel)
    return figure


def accuracy_by_tokens(table: pd.DataFrame, baselines: Mapping[str, float]) -> Figure:
    """Accuracy of every run against V, with lines across for blind baselines.

    Args:
        table: the columns `visual_tokens` and `accuracy`, one row a run.
        baselines: labels and accuracies of the lines.
    """
    means = table.groupby("visual_tokens")["accuracy"].mean()
    tokens = means.index.tolist()
    blue, *others = colours()
    mark = {"color": blue, "markersize": 22, "markeredgewidth": 2}
    with panel(7, 3.2) as (figure, axis):
        for (label, height), colour in zip(baselines.items(), others, strict=False):
            look = {"color": colour, "linestyle": "--", "linewidth": 1.2}
            axis.axhline(height, label=f"{label}, {height:.3f}", **look)
        axis.plot(range(len(tokens)), means, "_", label="mean over seeds", **mark)
        x = table["visual_tokens"].map(tokens.index)
        look = {"color": blue, "alpha": 0.5, "label": "one seed"}
        axis.plot(x, table["accuracy"], "o", **look)
        axis.set_xticks(range(len(tokens)), [f"{v}" for v in tokens])
        axis.set_xlabel("visual tokens V (0: blind, last: uncompressed)")
        axis.set_ylabel("accuracy on the test split")
        axis.legend(loc="center right")
    return figure


def memory_by_devices(
    tables: Mapping[str, pd.DataFrame], limits: Mapping[str, float]
) -> Figure:
    """Memory of each device against their number: one panel a table, stacked parts.

    Args:
        tables: gigabytes by title; one row a number of devices, one column a part.
        limits: names and usable gigabytes of devices, drawn as lines across.
    """
    size = (8.6, 3.8)
    with panels(1, len(tables), figsize=size, sharey=True) as (figure, axes):
        for axis, (title, table) in zip(axes[0], tables.items(), strict=True):
            below = table.cumsum(axis=1) - table
            at = range(len(table))
            for part in table:
                axis.bar(at, table[part], 0.7, bottom=below[part], label=part)
            for (name, limit), style in zip(limits.items(), "-:", strict=False):
                look = {"color": "black", "linewidth": 1.2, "linestyle": style}
                axis.axhline(limit, label=f"usable of {name}", **look)
            axis.set_xticks(at, [f"{devices}" for devices in table.index])
            axis.set(xlabel="GPUs", title=title)
            axis.grid(False)
        axes[0, 0].set_ylabel("GB on each GPU")
        legend_beside(figure, axes[0, 0])
    return figure
