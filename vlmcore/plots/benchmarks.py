"""Scores of benchmarks in pictures: what a rule gives, what it gives a coin, and which differences are noise."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from vlmcore.evaluation.uncertainty import coin_f1, questions_needed
from vlmcore.plots.style import STYLE, colours


def scores(table: pd.DataFrame) -> Figure:
    """Every benchmark's number with its interval, and the same number of a guess, as shares of the most there is to get.

    Args:
        table: the columns `benchmark`, `model`, `value`, `error` (standard error) and
            `chance`.
    """
    names = list(dict.fromkeys(table["benchmark"]))
    models = list(dict.fromkeys(table["model"]))
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(7.5, 3.6))
        for i, (model, colour) in enumerate(zip(models, colours(), strict=False)):
            rows = table[table["model"] == model]
            x = [
                names.index(name) + 0.22 * (i - (len(models) - 1) / 2)
                for name in rows["benchmark"]
            ]
            axis.errorbar(
                x,
                rows["value"],
                1.96 * rows["error"],
                fmt="o",
                capsize=3,
                color=colour,
                label=model,
            )
        guess = table.drop_duplicates("benchmark")
        axis.hlines(
            guess["chance"],
            np.arange(len(names)) - 0.35,
            np.arange(len(names)) + 0.35,
            color="0.5",
            linestyle="--",
            label="guess",
        )
        axis.set_xticks(range(len(names)), names)
        axis.grid(axis="x", visible=False)
        axis.set_ylim(-0.03, 1)  # so that a score of 0 is seen
        axis.set_ylabel("share of the full score")
        axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    plt.close(figure)
    return figure


def agreement(points: Sequence[float]) -> Figure:
    """Points of an answer against how many of ten people gave it."""
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(6, 2.6))
        axis.bar(range(len(points)), points, color=colours()[0])
        axis.set_xticks(range(len(points)))
        axis.grid(axis="x", visible=False)
        axis.set_xlabel("people of ten who gave this answer")
        axis.set_ylabel("VQA accuracy")
    plt.close(figure)
    return figure


def yes_bias(splits: Mapping[str, tuple[float, float, float]]) -> Figure:
    """F1 and accuracy against the share of yes: lines for a coin, points for a model.

    Args:
        splits: yes-ratio, F1 and accuracy by label.
    """
    yes = np.linspace(0.01, 1, 100)
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True)
        for axis, name, column, coin in zip(
            axes,
            ("F1", "accuracy"),
            (1, 2),
            (coin_f1(yes), np.full(100, 0.5)),
            strict=True,
        ):
            axis.plot(yes, coin, "--", color="0.5", label="a coin")
            for (label, values), colour in zip(splits.items(), colours(), strict=False):
                axis.plot(values[0], values[column], "o", color=colour, label=label)
            axis.set_xlabel("share of answers that say yes")
            axis.set_title(name)
            axis.set_ylim(0, 1)
        axes[0].legend(loc="lower right")
    plt.close(figure)
    return figure


def options(
    known: np.ndarray,
    vanilla: np.ndarray,
    circular: np.ndarray,
    measured: Mapping[str, tuple[float, float]],
) -> Figure:
    """Vanilla and circular accuracy of one who knows a share of the answers and guesses the rest; a model's two scores as lines across.

    Args:
        known: shares of answers known.
        vanilla: accuracy for each.
        circular: circular accuracy for each.
        measured: vanilla and circular accuracy by label.
    """
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(6.5, 3.4))
        for values, label, colour in (
            (vanilla, "vanilla", colours()[0]),
            (circular, "circular", colours()[1]),
        ):
            axis.plot(known, values, color=colour, label=f"{label}, knows or guesses")
        for (label, pair), style in zip(measured.items(), (":", "-."), strict=False):
            for value, kind, colour in zip(
                pair, ("vanilla", "circular"), colours(), strict=False
            ):
                axis.axhline(
                    value,
                    color=colour,
                    linestyle=style,
                    linewidth=1,
                    label=f"{label}, {kind}",
                )
        axis.set_xlabel("share of questions whose answer is known")
        axis.set_ylabel("accuracy")
        axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    plt.close(figure)
    return figure


def noise(rows: pd.DataFrame, level: float = 0.95) -> Figure:
    """From how many questions on a difference is more than noise: without pairs, and with the most helpful pairs.

    Args:
        rows: the columns `benchmark`, `first` and `second` (shares), and `questions`,
            not a number where no source is known.
        level: of the intervals.
    """
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(7.5, 0.42 * len(rows) + 1.4))
        for y, row in enumerate(rows.itertuples()):
            low = questions_needed(
                row.first, row.second, abs(row.first - row.second), level
            )
            high = questions_needed(row.first, row.second, None, level)
            axis.plot(
                [low, high],
                [y, y],
                "-",
                color=colours()[0],
                linewidth=6,
                alpha=0.5,
                solid_capstyle="butt",
                label="needed" if not y else "",
            )
            if np.isfinite(row.questions):
                axis.plot(row.questions, y, "D", color=colours()[1], label="there are")
        axis.set_xscale("log")
        axis.set_yticks(range(len(rows)), rows["benchmark"])
        axis.invert_yaxis()
        axis.set_xlabel("questions")
        handles, labels = axis.get_legend_handles_labels()
        unique = dict(zip(labels, handles, strict=True))
        axis.legend(
            unique.values(), unique.keys(), loc="upper left", bbox_to_anchor=(1, 1)
        )
    plt.close(figure)
    return figure


def paired_differences(
    found: Mapping[str, tuple[float, float, float]], xlabel: str
) -> Figure:
    """Differences with their intervals, one row each.

    Args:
        found: value, low and high by label.
        xlabel: what differs.
    """
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(6.5, 0.36 * len(found) + 1.2))
        axis.axvline(0, color="0.4", linewidth=1)
        for y, (value, low, high) in enumerate(found.values()):
            axis.plot([low, high], [y, y], color=colours()[0])
            axis.plot(value, y, "o", color=colours()[0])
        axis.set_yticks(range(len(found)), list(found))
        axis.invert_yaxis()
        axis.xaxis.set_major_formatter(PercentFormatter(1, symbol=""))
        axis.set_xlabel(xlabel)
    plt.close(figure)
    return figure
