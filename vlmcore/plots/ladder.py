"""Errors of frozen language models behind a compressor, beside what bounds them."""

from collections.abc import Mapping
from itertools import cycle

import pandas as pd
from matplotlib.figure import Figure

from vlmcore.plots.style import (
    colours,
    legend_beside,
    log_ticks,
    panels,
    size_name,
    whiskers,
)


def trained_and_exact(
    trained: Mapping[str, pd.DataFrame],
    exact: Mapping[str, pd.DataFrame],
    in_text: Mapping[str, Mapping[float, float]],
) -> Figure:
    """Errors against V, a colour for each N; dashed with exact targets, "x" in text.

    Args:
        trained: one panel a title; rows as from `Ladder.mean_errors`.
        exact: of the same titles; columns `params`, `visual_tokens` and `error`.
        in_text: of the same titles, by N.
    """
    rows = -(-len(trained) // 2)
    tokens = sorted({v for table in exact.values() for v in table["visual_tokens"]})
    with panels(rows, 2, figsize=(8.2, 3.1 * rows), sharey=True) as (figure, axes):
        for axis, (title, table) in zip(axes.flat, trained.items(), strict=False):
            sizes = zip(sorted(in_text[title]), cycle(colours()), strict=False)
            for params, colour in sizes:
                bound = exact[title].query("params == @params")
                axis.plot(bound["visual_tokens"], bound["error"], "--", color=colour)
                axis.plot(0.6, in_text[title][params], "x", color=colour)
                seen = table.query("params == @params")
                x, name = seen["visual_tokens"], size_name(params)
                axis.plot(x, seen["error"], "o-", color=colour, label=name)
                whiskers(axis, x, seen, colour)
            log_ticks(axis, "x", tokens)
            axis.set_title(title)
        for axis in axes.flat[len(trained) :]:
            axis.set_axis_off()
        for axis in axes[-1]:
            axis.set_xlabel("visual tokens V")
        for axis in axes[:, 0]:
            axis.set_ylabel("error")
        legend_beside(figure, axes[0, 0], "language model")
    return figure
