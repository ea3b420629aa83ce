"""Inside a vision encoder: maps over its patches, and what its layers know."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vlmcore.plots.patches import bare
from vlmcore.plots.style import panels


def patch_maps(values: np.ndarray, titles: Sequence[str]) -> Figure:
    """Maps of a quantity over the grid of patches, all on one scale.

    Args:
        values: float (n, p), patches in rows.
        titles: n of them.
    """
    side = math.isqrt(values.shape[1])
    size = (1.7 * len(values) + 0.7, 2.1)
    with panels(1, len(values), figsize=size) as (figure, axes):
        bare(axes)
        for axis, row, title in zip(axes[0], values, titles, strict=True):
            shown = axis.imshow(
                row.reshape(side, side), vmin=values.min(), vmax=values.max()
            )
            axis.set_title(title, fontsize=9, loc="center")
        figure.colorbar(shown, ax=axes[0].tolist(), shrink=0.8)
    return figure


def probes_by_layer(table: pd.DataFrame) -> Figure:
    """Accuracy of linear probes against the layer, a panel for each aspect.

    Args:
        table: the columns `aspect`, `layer`, `token` and `accuracy`.
    """
    aspects = list(table.groupby("aspect", sort=False))
    size = (3.8 * len(aspects), 3.2)
    with panels(1, len(aspects), figsize=size, sharey=True) as (figure, axes):
        for axis, (aspect, rows) in zip(axes[0], aspects, strict=True):
            for token, line in rows.groupby("token", sort=False):
                axis.plot(line["layer"], line["accuracy"], "o-", label=token)
            axis.set(xlabel="layer", title=aspect, xticks=rows["layer"].unique())
        axes[0, 0].set_ylabel("accuracy of the probe")
        axes[0, -1].legend(loc="lower right")
    return figure
