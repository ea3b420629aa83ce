"""Compressors side by side, from the tables of `experiments.analysis.comparison`."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from vlmcore.plots.style import colours, legend_beside, name_rows, panel, panels, spans
from vlmcore.scaling import Interval


def compressor_comparison(
    tables: Mapping[str, pd.DataFrame], chance: Mapping[str, float]
) -> Figure:
    """Accuracy of every method against V with intervals over seeds, one panel a task.

    Args:
        tables: as from `Comparison.table`, by task.
        chance: accuracy of a guess, by task.
    """
    tokens = sorted({v for table in tables.values() for v in table["visual_tokens"]})
    size = (4.1 * len(tables) + 1.4, 4.0)
    guess = {"color": "0.5", "linestyle": "--", "linewidth": 1, "label": "chance"}
    with panels(1, len(tables), figsize=size, sharey=True) as (figure, axes):
        for axis, (task, table) in zip(axes[0], tables.items(), strict=True):
            axis.axhline(chance[task], **guess)
            for i, (method, rows) in enumerate(table.groupby("method", sort=False)):
                x = np.array([tokens.index(v) for v in rows["visual_tokens"]])
                _method(axis, str(method), rows, x + 0.06 * (i - 3))
            axis.set_xticks(range(len(tokens)), [str(v) for v in tokens])
            axis.set_xlabel("visual tokens V")
            axis.set_title(task)
        axes[0, 0].set_ylabel("accuracy on the test scenes")
        legend_beside(figure, axes[0, 0])
    return figure


def _method(axis: Axes, method: str, rows: pd.DataFrame, x: np.ndarray) -> None:
    value = rows["accuracy"]
    low, high = (rows[side].astype(float).fillna(value) for side in ("low", "high"))
    spread = np.clip([value - low, high - value], 0, None)
    axis.errorbar(x, value, spread, fmt="o-", capsize=2, linewidth=1.3, label=method)


def paired_differences(
    estimates: Mapping[str, Mapping[str, Interval]],
    xlabel: str = "difference in accuracy",
) -> Figure:
    """Paired differences with their intervals, one panel a task, one row a comparison.

    Args:
        estimates: by task and label; above zero the first method is better.
        xlabel: what differs.
    """
    labels = list(next(iter(estimates.values())))
    size = (max(6.5, 4.0 * len(estimates)), 0.34 * len(labels) + 1.3)
    with panels(1, len(estimates), figsize=size, sharey=True) as (figure, axes):
        for axis, (task, rows) in zip(axes[0], estimates.items(), strict=True):
            axis.axvline(0, color="0.4", linewidth=1)
            for y, label in enumerate(labels):
                spans(axis, rows[label][:3], y, color=colours()[0])
            axis.set_xlabel(xlabel)
            axis.set_title(task)
        name_rows(axes[0, 0], labels)
    return figure


def accuracy_by_count(
    counts: Sequence[int],
    measured: Mapping[str, ArrayLike],
    rules: Mapping[str, Sequence[float]],
    ylabel: str,
    xlabel: str = "letters in the image",
) -> Figure:
    """Accuracy against how much an image holds: measured points and predicted lines.

    Args:
        counts: objects in an image.
        measured: accuracies by label, float (counts,), or (counts, seeds) to draw every
            seed.
        rules: predictions without a free parameter, by label.
        ylabel: what is measured.
        xlabel: what is counted.

    Raises:
        ValueError: there are not as many accuracies as counts.
    """
    points = {label: np.asarray(values) for label, values in measured.items()}
    if wrong := [name for name, each in points.items() if len(each) != len(counts)]:
        raise ValueError(
            f"{', '.join(wrong)} do not have one accuracy, or one row of them, for "
            f"each of {len(counts)} counts"
        )
    with panel(7, 3.4) as (figure, axis):
        for (label, values), colour in zip(points.items(), colours(), strict=False):
            seeds = values.reshape(len(counts), -1)
            x = np.repeat(counts, seeds.shape[1])
            look = {"color": colour, "alpha": 0.75, "label": label}
            axis.plot(x, seeds.ravel(), "o", **look)
        for (label, rule), line in zip(rules.items(), ("--", ":"), strict=False):
            axis.plot(counts, rule, line, color="0.3", linewidth=1.4, label=label)
        axis.set_xscale("log", base=2)
        axis.set_xticks(counts, [str(count) for count in counts])
        axis.set_xlabel(xlabel)
        axis.set_ylabel(ylabel)
        axis.set_ylim(0, 1.03)
        axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
