"""What a query is made of and where it looks, when each has a square region of the image to itself.

Axes: n images, v = s*s regions of k*k patches, p = v*k*k patches in rows.
"""

import math
import textwrap
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from einops import rearrange
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vlmcore.plots.patches import PAINT, bare, borders, many, painted
from vlmcore.plots.style import STYLE


def region_attention(
    images: np.ndarray, looks: Mapping[str, np.ndarray], captions: Sequence[str]
) -> Figure:
    """Images and, below each, where the queries of one or more compressors look: the more, the redder, the most seen patch fully.

    Args:
        images: uint8 (n, 3, h, w)
        looks: names and weights, float (n, v, k*k) each: attention of every query to
            the patches of its region.
        captions: n of them.
    """
    rows, columns = 1 + len(looks), len(images)
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(
            rows,
            columns,
            figsize=(1.75 * columns + 0.4, 1.75 * rows + 0.3),
            squeeze=False,
        )
        bare(axes)
        for axis, image, caption in zip(axes[0], images, captions, strict=True):
            axis.imshow(image.transpose(1, 2, 0))
            axis.set_title(textwrap.fill(caption, 16), fontsize=9, loc="center")
        for row, (name, weights) in zip(axes[1:], looks.items(), strict=True):
            row[0].set_ylabel(name)
            for axis, image, weight in zip(row, images, weights, strict=True):
                cells, kernel = math.isqrt(len(weight)), math.isqrt(weight.shape[1])
                looked = rearrange(
                    weight / weight.max(),
                    "(y x) (ky kx) -> (y ky) (x kx)",
                    y=cells,
                    ky=kernel,
                )
                axis.imshow(painted(image, looked))
                borders(axis, cells, image.shape[-1], "black", 0.8)
    plt.close(figure)
    return figure


def coarse_and_fine(
    image: np.ndarray,
    coarse: np.ndarray,
    patch: tuple[int, int] = (0, 0),
    side: int = 12,
) -> Figure:
    """TokenPacker in three pictures: the regions of an image, the coarse grid that asks, and the patches one query may look at.

    Args:
        image: uint8 (3, h, h)
        coarse: float (v, 3), colours of the image resized to one pixel a region.
        patch: row and column of a patch, whose region is followed.
        side: patches along one side of the image.
    """
    visual_tokens, size = len(coarse), image.shape[-1]
    cells = math.isqrt(visual_tokens)
    kernel, room = side // cells, size // cells
    row, column = patch[0] // kernel, patch[1] // kernel
    fine = image[:, row * room : (row + 1) * room, column * room : (column + 1) * room]
    shown = [
        rearrange(image, "c y x -> y x c"),
        rearrange(coarse, "(y x) c -> y x c", y=cells),
        rearrange(fine, "c y x -> y x c"),
    ]
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(7.2, 2.8))
        for axis, picture in zip(axes, shown, strict=True):
            axis.set_axis_off()
            axis.imshow(picture)
        borders(axes[0], side, size, "0.7", 0.5)
        borders(axes[0], cells, size, "black")
        borders(axes[1], cells, cells, "black")
        borders(axes[2], kernel, room, "0.7", 0.5)
        for axis, unit in zip(axes[:2], (room, 1), strict=True):
            axis.add_patch(
                Rectangle(
                    (column * unit - 0.5, row * unit - 0.5),
                    unit,
                    unit,
                    fill=False,
                    edgecolor=PAINT,
                    linewidth=3,
                )
            )
        axes[0].set_title(
            f"{side**2} patches, {many(visual_tokens, 'region')}", fontsize=10
        )
        axes[1].set_title(
            many(visual_tokens, "coarse query", "coarse queries"), fontsize=10
        )
        axes[2].set_title(f"one query's {kernel**2} keys", fontsize=10, color=PAINT)
    plt.close(figure)
    return figure


def query_sources(makers: Mapping[str, np.ndarray], size: float = 2.4) -> Figure:
    """Of which patches a query is made: for each region, the share of every patch in its query.

    Args:
        makers: titles and weights, float (v, p) each; only their magnitudes matter.
        size: of one panel, in inches.
    """
    shares = {
        title: np.abs(weights) / np.abs(weights).sum(1, keepdims=True)
        for title, weights in makers.items()
    }
    most = max(share.max() for share in shares.values())
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(
            1,
            len(shares),
            figsize=(size * len(shares) + 0.9, size + 0.4),
            squeeze=False,
        )
        for axis, (title, share) in zip(axes[0], shares.items(), strict=True):
            side = math.isqrt(share.shape[1])
            drawn = axis.imshow(
                rearrange(share.max(0), "(y x) -> y x", y=side),
                cmap="viridis",
                vmin=0,
                vmax=most,
            )
            borders(axis, math.isqrt(len(share)), side, "white")
            axis.set_axis_off()
            axis.set_title(title, fontsize=10)
        figure.colorbar(drawn, ax=axes[0, -1], label="share of its query", shrink=0.8)
    plt.close(figure)
    return figure
