"""Scores of benchmarks, what a guess is given, and which differences are noise."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vlmcore.evaluation.uncertainty import coin_f1, questions_needed
from vlmcore.plots.style import colours, name_rows, panel, panels

_BESIDE = {"loc": "upper left", "bbox_to_anchor": (1, 1)}
"""A legend to the right of its axes."""


def benchmark_scores(table: pd.DataFrame) -> Figure:
    """Scores of benchmarks with intervals and chance, as shares of the full score.

    Args:
        table: the columns `benchmark`, `model`, `value`, `error` (standard error) and
            `chance`.
    """
    names = list(dict.fromkeys(table["benchmark"]))
    models = list(dict.fromkeys(table["model"]))
    at = np.arange(len(names))
    with panel(7.5, 3.6) as (figure, axis):
        for i, (model, colour) in enumerate(zip(models, colours(), strict=False)):
            rows = table[table["model"] == model]
            shift = 0.22 * (i - (len(models) - 1) / 2)
            axis.errorbar(
                [names.index(name) + shift for name in rows["benchmark"]],
                rows["value"],
                1.96 * rows["error"],
                fmt="o",
                capsize=3,
                color=colour,
                label=model,
            )
        chance = table.drop_duplicates("benchmark")["chance"]
        look = {"color": "0.5", "linestyle": "--", "label": "chance"}
        axis.hlines(chance, at - 0.35, at + 0.35, **look)
        axis.set_xticks(at, names)
        axis.grid(axis="x", visible=False)
        axis.set_ylim(-0.03, 1)  # so that a score of 0 is seen
        axis.set_ylabel("share of the full score")
        axis.legend(**_BESIDE)
    return figure


def vqa_agreement(points: Sequence[float]) -> Figure:
    """VQA accuracy of an answer against how many of ten annotators gave it."""
    with panel(6, 2.6) as (figure, axis):
        axis.bar(range(len(points)), points, color=colours()[0])
        axis.set_xticks(range(len(points)))
        axis.grid(axis="x", visible=False)
        axis.set_xlabel("annotators of ten who gave this answer")
        axis.set_ylabel("VQA accuracy")
    return figure


def yes_bias(splits: Mapping[str, tuple[float, float, float]]) -> Figure:
    """F1 and accuracy against the share of yes, of models and of random answers.

    Args:
        splits: yes-ratio, F1 and accuracy by label.
    """
    yes = np.linspace(0.01, 1, 100)
    random = {"F1": coin_f1(yes), "accuracy": np.full(100, 0.5)}
    with panels(1, 2, figsize=(8, 3.2), sharey=True) as (figure, axes):
        for column, (axis, (name, line)) in enumerate(
            zip(axes[0], random.items(), strict=True), start=1
        ):
            axis.plot(yes, line, "--", color="0.5", label="random answers")
            for (label, values), colour in zip(splits.items(), colours(), strict=False):
                axis.plot(values[0], values[column], "o", color=colour, label=label)
            axis.set(xlabel="share of answers that say yes", ylim=(0, 1))
            axis.set_title(name)
        axes[0, 0].legend(loc="lower right")
    return figure


def circular_accuracy(
    known: np.ndarray,
    vanilla: np.ndarray,
    circular: np.ndarray,
    measured: Mapping[str, tuple[float, float]],
) -> Figure:
    """Vanilla and circular accuracy where a share of answers is known, others guessed.

    Args:
        known: shares of answers known.
        vanilla: accuracy for each.
        circular: circular accuracy for each.
        measured: a model's vanilla and circular accuracy by label, drawn across.
    """
    curves = {"vanilla": vanilla, "circular": circular}
    with panel(6.5, 3.4) as (figure, axis):
        for (kind, values), colour in zip(curves.items(), colours(), strict=False):
            axis.plot(known, values, color=colour, label=f"{kind}, known or guessed")
        for (label, pair), style in zip(measured.items(), (":", "-."), strict=False):
            for kind, value, colour in zip(curves, pair, colours(), strict=False):
                look = {"color": colour, "linestyle": style, "linewidth": 1}
                axis.axhline(value, label=f"{label}, {kind}", **look)
        axis.set_xlabel("share of questions whose answer is known")
        axis.set_ylabel("accuracy")
        axis.legend(**_BESIDE)
    return figure


def required_sample_sizes(rows: pd.DataFrame, level: float = 0.95) -> Figure:
    """From how many questions on a difference exceeds noise: unpaired, and best paired.

    Args:
        rows: the columns `benchmark`, `first` and `second` (shares), and `questions`,
            not a number where no source is known.
        level: of the intervals.
    """
    blue, orange = colours()[:2]
    bar = {"linewidth": 6, "alpha": 0.5, "solid_capstyle": "butt", "label": "required"}
    with panel(7.5, 0.42 * len(rows) + 1.4) as (figure, axis):
        for y, row in enumerate(rows.itertuples()):
            shares = row.first, row.second
            best = abs(row.first - row.second)
            ends = [questions_needed(*shares, share, level) for share in (best, None)]
            axis.plot(ends, [y, y], "-", color=blue, **bar)
            if np.isfinite(row.questions):
                axis.plot(row.questions, y, "D", color=orange, label="in the test set")
        axis.set_xscale("log")
        name_rows(axis, rows["benchmark"])
        axis.set_xlabel("questions")
        handles, labels = axis.get_legend_handles_labels()
        unique = dict(zip(labels, handles, strict=True))
        axis.legend(unique.values(), unique.keys(), **_BESIDE)
    return figure
