"""The published points and their frontier."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmcore.cost import paper_flops
from vlmcore.plots.style import STYLE, size_name, whiskers
from vlmcore.scaling import frontier


def finding(
    scores: pd.DataFrame,
    text_tokens: Sequence[float] = (0, 50),
    task: str = "visual reasoning",
) -> Figure:
    """Error against inference cost for every N and V, one panel for each Q, with the frontier of the measured points.

    Args:
        scores: as from `paper.scores`, or `Grid.mean_errors`, whose standard errors are
            drawn too.
        text_tokens: Q of each panel.
        task: what the scores were measured on, for the axis.
    """
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(
            1,
            len(text_tokens),
            figsize=(3.7 * len(text_tokens) + 1.3, 4.2),
            sharey=True,
            squeeze=False,
        )
        for axis, q in zip(axes[0], text_tokens, strict=True):
            _finding_panel(axis, scores, q)
        axes[0, 0].set_ylabel(f"mean error on {task}")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside right center", title="language model"
        )
    plt.close(figure)
    return figure


def _finding_panel(axis: Axes, scores: pd.DataFrame, q: float) -> None:
    flops = np.array(
        [
            paper_flops(n, q, v)
            for n, v in zip(scores["params"], scores["visual_tokens"], strict=True)
        ]
    )
    error = scores["error"].to_numpy()
    best = frontier(flops, error)
    axis.plot(
        flops[best],
        error[best],
        color="0.25",
        linewidth=5,
        alpha=0.25,
        solid_capstyle="round",
        label="frontier",
    )
    for params, group in scores.groupby("params"):
        (line,) = axis.plot(
            flops[group.index], group["error"], "o-", label=size_name(params)
        )
        whiskers(axis, flops[group.index], group, line.get_color())
    for i in best:
        tokens = f"{scores['visual_tokens'].iloc[i]}"
        axis.annotate(
            tokens,
            (flops[i], error[i]),
            (-3, -5),
            textcoords="offset points",
            fontsize=8,
            ha="right",
            va="top",
        )
    axis.set_xscale("log")
    axis.set_xlabel("FLOPs to answer, 2N(Q + V)")
    axis.set_title(f"Q = {q:g} text tokens" if q else "Q = 0: text cached")
