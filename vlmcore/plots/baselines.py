"""Scores of baselines without the image, and the laws that such scores lead to.

The tables come from `vlmcore.experiments.analysis.blind_baselines`, the laws from
`vlmcore.scaling`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmcore.plots.style import colours, log_ticks, panels, spans
from vlmcore.scaling import Fit

_TRAINED = {"blind": 2, "permuted": 4, "with image": 0}
"""Indices of the style's colours; guesses that need no model are grey."""

_TICKS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def baseline_scores(
    table: pd.DataFrame, title: str = "", baselines: Sequence[str] | None = None
) -> Figure:
    """Scores with intervals, the lowest baseline at the bottom, one panel a kind.

    A dotted line goes up from chance.

    Args:
        table: as from `blind_baselines.ladder`: the columns `baseline`, `kind`,
            `value`, `low` and `high`; ends may be missing.
        title: above the figure.
        baselines: names of all rows from the bottom up, so that figures with fewer keep
            their positions; those of the table if None.

    Raises:
        ValueError: the table has a baseline that is not among the names.
    """
    kinds = list(dict.fromkeys(table["kind"]))
    names = list(baselines or dict.fromkeys(table["baseline"]))
    if unknown := sorted({*table["baseline"]} - {*names}):
        raise ValueError(
            f"{', '.join(unknown)} are not among the baselines {', '.join(names)}"
        )
    size = (8.2, 2.9)
    with panels(1, len(kinds), figsize=size, sharex=True, sharey=True) as (
        figure,
        axes,
    ):
        for axis, kind in zip(axes[0], kinds, strict=True):
            _bars(axis, table[table["kind"] == kind], names)
            axis.set_title(kind, fontsize=9 if len(kinds) > 4 else 11)
        axes[0, 0].set_yticks(range(len(names)), names)
        axes[0, 0].set_xlim(0, 1.02)
        axes[0, 0].set_xticks([0, 0.5, 1], ["0", ".5", "1"])
        figure.supxlabel("accuracy", fontsize=10)
        figure.suptitle(title, fontsize=11)
    return figure


def fits_by_size(fits: Mapping[str, Fit]) -> Figure:
    """Errors against N with fitted laws, one panel a title, one colour for each V."""
    with panels(1, len(fits), figsize=(8.2, 3.1), sharey=True) as (figure, axes):
        for axis, (title, fit) in zip(axes[0], fits.items(), strict=True):
            N, V, error = fit.points.N, fit.points.V, fit.points.error
            dense = np.geomspace(N.min(), N.max(), 60)
            for v, colour in zip(np.unique(V), colours(), strict=False):
                rows = v == V
                axis.plot(N[rows], error[rows], "o", color=colour, label=f"V = {v:g}")
                line = fit.law.predict(dense, v)
                axis.plot(dense, line, "--", color=colour, linewidth=1.1)
            axis.set(xscale="log", yscale="log", xlabel="language-model parameters N")
            axis.set_title(title)
        low, high = axes[0, 0].get_ylim()
        log_ticks(axes[0, 0], "y", [tick for tick in _TICKS if low <= tick <= high])
        axes[0, 0].set_ylabel("error")
        axes[0, -1].legend(loc="lower left")
    return figure


def _bars(axis: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    palette = colours()
    for row in rows.itertuples():
        colour = palette[_TRAINED[row.baseline]] if row.baseline in _TRAINED else "0.5"
        y = names.index(row.baseline)
        axis.barh(y, row.value, height=0.62, color=colour, alpha=0.35)
        spans(axis, (row.value, row.low, row.high), y, color=colour, linewidth=2.2)
        if row.baseline == "chance":
            axis.axvline(row.value, color="0.4", linestyle=":", linewidth=1)
    axis.set_ylim(-0.6, len(names) - 0.4)
    axis.grid(axis="y", visible=False)
