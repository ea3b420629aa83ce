"""How a training went, and where it ended."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from vlmcore.plots.style import STYLE, colours


def losses(
    logs: dict[str, pd.DataFrame], window: int = 5, ylabel: str = "loss (nats a token)"
) -> Figure:
    """Training curves, one panel a stage: the logged losses and their running mean.

    Args:
        logs: titles and tables as from `loop.read_log`.
        window: logged steps averaged.
        ylabel: what the losses are.
    """
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, len(logs), figsize=(7.5, 2.8), squeeze=False)
        for axis, (title, log) in zip(axes[0], logs.items(), strict=True):
            axis.plot(log["step"], log["loss"], color="0.75", linewidth=0.8)
            axis.plot(log["step"], log["loss"].rolling(window, min_periods=1).mean())
            axis.set_yscale("log")
            axis.set_title(title)
            axis.set_xlabel("step")
        axes[0, 0].set_ylabel(ylabel)
    plt.close(figure)
    return figure


def accuracy_by_tokens(table: pd.DataFrame, lines: dict[str, float]) -> Figure:
    """Accuracy of every run against V, with horizontal lines for what can be had without looking.

    Args:
        table: the columns `visual_tokens` and `accuracy`, one row a run.
        lines: labels and heights of the lines.
    """
    tokens = sorted(table["visual_tokens"].unique())
    place = {v: i for i, v in enumerate(tokens)}
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(7, 3.2))
        for i, (label, height) in enumerate(lines.items()):
            axis.axhline(
                height,
                color=colours()[i + 1],
                linestyle="--",
                linewidth=1.2,
                label=f"{label}, {height:.3f}",
            )
        means = table.groupby("visual_tokens")["accuracy"].mean()
        blue = colours()[0]
        axis.plot(
            [place[v] for v in means.index],
            means,
            "_",
            color=blue,
            markersize=22,
            markeredgewidth=2,
            label="mean over seeds",
        )
        axis.plot(
            [place[v] for v in table["visual_tokens"]],
            table["accuracy"],
            "o",
            color=blue,
            alpha=0.5,
            label="one seed",
        )
        axis.set_xticks(range(len(tokens)), [f"{v}" for v in tokens])
        axis.set_xlabel("visual tokens V (0: blind, last: uncompressed)")
        axis.set_ylabel("accuracy on the test split")
        axis.legend(loc="center right")
    plt.close(figure)
    return figure
