"""One function a figure. What a figure says in numbers it reads from what it draws; nothing is typed in."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmcore.cost import paper_flops
from vlmcore.scaling import frontier

STYLE = Path(__file__).parent / "book.mplstyle"


def finding(scores: pd.DataFrame, text_tokens: Sequence[float] = (0, 50)) -> Figure:
    """Error against inference cost for every N and V, one panel for each Q, with the frontier of the measured points.

    Args:
        scores: as from `paper.scores`.
        text_tokens: Q of each panel.
    """
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, len(text_tokens), figsize=(3.7 * len(text_tokens) + 1.3, 4.2), sharey=True, squeeze=False)
        for axis, q in zip(axes[0], text_tokens, strict=True):
            _finding_panel(axis, scores, q)
        axes[0, 0].set_ylabel("mean error on visual reasoning")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right center", title="language model")
    plt.close(figure)
    return figure


def _finding_panel(axis: Axes, scores: pd.DataFrame, q: float) -> None:
    flops = np.array([paper_flops(n, q, v) for n, v in zip(scores["params"], scores["visual_tokens"], strict=True)])
    error = scores["error"].to_numpy()
    best = frontier(flops, error)
    axis.plot(flops[best], error[best], color="0.25", linewidth=5, alpha=0.25, solid_capstyle="round", label="frontier")
    for params, group in scores.groupby("params"):
        axis.plot(flops[group.index], group["error"], "o-", label=f"{params / 1e9:g}B")
    for i in best:
        tokens = f"{scores['visual_tokens'].iloc[i]}"
        axis.annotate(tokens, (flops[i], error[i]), (-3, -5), textcoords="offset points", fontsize=8, ha="right", va="top")
    axis.set_xscale("log")
    axis.set_xlabel("FLOPs to answer, 2N(Q + V)")
    axis.set_title(f"Q = {q:g} text tokens" if q else "Q = 0: text cached")


def samples_grid(images: np.ndarray, captions: Sequence[str], columns: int = 6) -> Figure:
    """Images with a line of text under each.

    Args:
        images: uint8 (n, 3, h, w)
        captions: n of them.
        columns: images a row.
    """
    rows = -(-len(images) // columns)
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(rows, columns, figsize=(1.6 * columns, 2.0 * rows), squeeze=False)
        for axis in axes.flat:
            axis.set_axis_off()
        for axis, image, caption in zip(axes.flat, images, captions, strict=False):
            axis.imshow(image.transpose(1, 2, 0))
            lines = [textwrap.fill(line, 24) for line in caption.splitlines()]
            axis.set_title("\n".join(lines), fontsize=7.5, loc="center")
    plt.close(figure)
    return figure


def losses(logs: dict[str, pd.DataFrame], window: int = 5) -> Figure:
    """Training curves, one panel a stage: the logged losses and their running mean.

    Args:
        logs: titles and tables as from `loop.read_log`.
        window: logged steps averaged.
    """
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, len(logs), figsize=(7.5, 2.8), squeeze=False)
        for axis, (title, log) in zip(axes[0], logs.items(), strict=True):
            axis.plot(log["step"], log["loss"], color="0.75", linewidth=0.8)
            axis.plot(log["step"], log["loss"].rolling(window, min_periods=1).mean())
            axis.set_yscale("log")
            axis.set_title(title)
            axis.set_xlabel("step")
        axes[0, 0].set_ylabel("loss (nats a token)")
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
            axis.axhline(height, color=f"C{i + 1}", linestyle="--", linewidth=1.2, label=f"{label}, {height:.3f}")
        means = table.groupby("visual_tokens")["accuracy"].mean()
        axis.plot([place[v] for v in means.index], means, "_", color="C0", markersize=22, markeredgewidth=2, label="mean over seeds")
        axis.plot([place[v] for v in table["visual_tokens"]], table["accuracy"], "o", color="C0", alpha=0.5, label="one seed")
        axis.set_xticks(range(len(tokens)), [f"{v}" for v in tokens])
        axis.set_xlabel("visual tokens V (0: blind, last: uncompressed)")
        axis.set_ylabel("accuracy on the test split")
        axis.legend(loc="center right")
    plt.close(figure)
    return figure


def attention_over_images(images: np.ndarray, weights: np.ndarray, captions: Sequence[str]) -> Figure:
    """Where a single visual token looks: its attention drawn over each image.

    Args:
        images: uint8 (n, 3, h, w)
        weights: float (n, p), attention to the p patches, row by row.
        captions: n of them.
    """
    side = int(weights.shape[1] ** 0.5)
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(2, len(images), figsize=(1.5 * len(images), 3.3), squeeze=False)
        for column, (image, weight, caption) in enumerate(zip(images, weights, captions, strict=True)):
            axes[0, column].imshow(image.transpose(1, 2, 0))
            axes[0, column].set_title(caption, fontsize=7.5, loc="center")
            axes[1, column].imshow(weight.reshape(side, side), cmap="viridis", vmin=0)
            for axis in axes[:, column]:
                axis.set_axis_off()
    plt.close(figure)
    return figure
