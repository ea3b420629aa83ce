"""The race of the compressors in pictures; the tables come from `vlmcore.experiments.analysis.comparison.Comparison`."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from vlmcore.plots.style import STYLE, colours
from vlmcore.scaling import Interval


def race(tables: Mapping[str, pd.DataFrame], chance: Mapping[str, float]) -> Figure:
    """Accuracy of every method against V, one panel a task, with intervals where there are several seeds.

    Args:
        tables: as from `Comparison.table`, by task.
        chance: accuracy of a guess, by task.
    """
    tokens = sorted({v for table in tables.values() for v in table["visual_tokens"]})
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(
            1,
            len(tables),
            figsize=(4.1 * len(tables) + 1.4, 4.0),
            sharey=True,
            squeeze=False,
        )
        for axis, (task, table) in zip(axes[0], tables.items(), strict=True):
            axis.axhline(
                chance[task], color="0.5", linestyle="--", linewidth=1, label="chance"
            )
            for i, (method, rows) in enumerate(table.groupby("method", sort=False)):
                _race_line(
                    axis,
                    str(method),
                    rows,
                    [tokens.index(v) for v in rows["visual_tokens"]],
                    0.06 * (i - 3),
                )
            axis.set_xticks(range(len(tokens)), [str(v) for v in tokens])
            axis.set_xlabel("visual tokens V")
            axis.set_title(task)
        axes[0, 0].set_ylabel("accuracy on the test scenes")
        figure.legend(
            *axes[0, 0].get_legend_handles_labels(), loc="outside right center"
        )
    plt.close(figure)
    return figure


def _race_line(
    axis: Axes, method: str, rows: pd.DataFrame, places: Sequence[int], shift: float
) -> None:
    low, high = (
        rows[side].astype(float).fillna(rows["accuracy"]) for side in ("low", "high")
    )
    spread = np.clip([rows["accuracy"] - low, high - rows["accuracy"]], 0, None)
    axis.errorbar(
        np.add(places, shift),
        rows["accuracy"],
        spread,
        fmt="o-",
        capsize=2,
        linewidth=1.3,
        label=method,
    )


def differences(found: Mapping[str, Mapping[str, Interval]]) -> Figure:
    """Paired differences with their intervals, one panel a task, one row a comparison; to the right of zero the first is better.

    Args:
        found: estimates by task and label.
    """
    labels = list(next(iter(found.values())))
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(
            1,
            len(found),
            figsize=(4.0 * len(found), 0.34 * len(labels) + 1.3),
            sharey=True,
            squeeze=False,
        )
        for axis, (task, rows) in zip(axes[0], found.items(), strict=True):
            axis.axvline(0, color="0.4", linewidth=1)
            for y, label in enumerate(labels):
                estimate = rows[label]
                axis.plot(estimate.value, y, "o", color=colours()[0])
                if estimate.low is not None and estimate.high is not None:
                    axis.plot([estimate.low, estimate.high], [y, y], color=colours()[0])
            axis.set_yticks(range(len(labels)), labels)
            axis.set_xlabel("difference in accuracy")
            axis.set_title(task)
        axes[0, 0].invert_yaxis()
    plt.close(figure)
    return figure


def by_count(
    counts: Sequence[int],
    measured: Mapping[str, ArrayLike],
    rules: Mapping[str, Sequence[float]],
    ylabel: str,
    xlabel: str = "letters in the image",
) -> Figure:
    """Accuracy against how much an image holds: points are measured, lines are rules without a free parameter.

    Args:
        counts: things in an image.
        measured: accuracies by label, float (counts,), or (counts, seeds) to draw every
            seed.
        rules: what a rule predicts, by label.
        ylabel: what is measured.
        xlabel: what is counted.

    Raises:
        ValueError: there are not as many accuracies as counts.
    """
    points = {label: np.asarray(values) for label, values in measured.items()}
    if wrong := [
        label for label, values in points.items() if len(values) != len(counts)
    ]:
        raise ValueError(
            f"{', '.join(wrong)} do not have one accuracy, or one row of them, for "
            f"each of {len(counts)} counts"
        )
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(7, 3.4))
        for (label, values), colour in zip(points.items(), colours(), strict=False):
            seeds = values.reshape(len(counts), -1)
            axis.plot(
                np.repeat(counts, seeds.shape[1]),
                seeds.ravel(),
                "o",
                color=colour,
                alpha=0.75,
                label=label,
            )
        for (label, rule), colour in zip(rules.items(), colours(), strict=False):
            axis.plot(counts, rule, "--", color=colour, linewidth=1.2, label=label)
        axis.set_xscale("log", base=2)
        axis.set_xticks(counts, [str(count) for count in counts])
        axis.set_xlabel(xlabel)
        axis.set_ylabel(ylabel)
        axis.set_ylim(0, 1.03)
        axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    plt.close(figure)
    return figure
