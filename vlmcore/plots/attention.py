"""Sources and attention of queries that have a square region of the image each.

Axes: n images, v = s*s regions of k*k patches, p = v*k*k patches in rows.
"""

import math
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from einops import rearrange
from matplotlib.figure import Figure

from vlmcore.plots.patches import ATTENTION, bare, borders, framed, painted
from vlmcore.plots.style import panels


def region_attention(
    images: np.ndarray, attention: Mapping[str, np.ndarray], captions: Sequence[str]
) -> Figure:
    """Images and, below each, the attention of one or more compressors.

    The higher the weight, the redder the patch; the highest is fully red.

    Args:
        images: uint8 (n, 3, h, w)
        attention: names and weights, float (n, v, k*k) each: attention of every query
            to the patches of its region.
        captions: n of them.
    """
    rows, columns = 1 + len(attention), len(images)
    size = (1.75 * columns + 0.4, 1.75 * rows + 0.3)
    with panels(rows, columns, figsize=size) as (figure, axes):
        bare(axes)
        for axis, image, caption in zip(axes[0], images, captions, strict=True):
            axis.imshow(image.transpose(1, 2, 0))
            axis.set_title(textwrap.fill(caption, 16), fontsize=9, loc="center")
        for row, (name, weights) in zip(axes[1:], attention.items(), strict=True):
            row[0].set_ylabel(name)
            for axis, image, weight in zip(row, images, weights, strict=True):
                cells, kernel = math.isqrt(len(weight)), math.isqrt(weight.shape[1])
                grid = rearrange(
                    weight / weight.max(),
                    "(y x) (ky kx) -> (y ky) (x kx)",
                    y=cells,
                    ky=kernel,
                )
                axis.imshow(painted(image, grid))
                borders(axis, cells, image.shape[-1], "black", 0.8)
    return figure


def coarse_and_fine(
    image: np.ndarray,
    coarse: np.ndarray,
    patch: tuple[int, int] = (0, 0),
    side: int = 12,
) -> Figure:
    """TokenPacker in three pictures: regions, coarse queries, the keys of one query.

    Args:
        image: uint8 (3, h, h)
        coarse: float (v, 3), colours of the image resized to one pixel a region.
        patch: row and column of a patch, whose region is followed.
        side: patches along one side of the image.
    """
    visual_tokens, size = len(coarse), image.shape[-1]
    cells = math.isqrt(visual_tokens)
    kernel, pixels = side // cells, size // cells
    row, column = (each // kernel for each in patch)
    y, x = (slice(each * pixels, (each + 1) * pixels) for each in (row, column))
    pictures = (
        image.transpose(1, 2, 0),
        rearrange(coarse, "(y x) c -> y x c", y=cells),
        image[:, y, x].transpose(1, 2, 0),
    )
    titles = (
        f"{side**2} patches, V = {visual_tokens}",
        "coarse queries",
        f"one query's {kernel**2} keys",
    )
    with panels(1, 3, figsize=(7.2, 2.8)) as (figure, axes):
        for axis, picture, title in zip(axes[0], pictures, titles, strict=True):
            axis.set_axis_off()
            axis.imshow(picture)
            axis.set_title(title, fontsize=10)
        left, middle, right = axes[0]
        right.set_title(titles[2], fontsize=10, color=ATTENTION)
        borders(left, side, size, "0.7", 0.5)
        borders(left, cells, size, "black")
        borders(middle, cells, cells, "black")
        borders(right, kernel, pixels, "0.7", 0.5)
        framed(left, (row, column), pixels, ATTENTION, 3)
        framed(middle, (row, column), 1, ATTENTION, 3)
    return figure


def query_sources(sources: Mapping[str, np.ndarray], size: float = 2.4) -> Figure:
    """The share of every patch in the query of its region.

    Args:
        sources: titles and weights, float (v, p) each; only their magnitudes matter.
        size: of one panel, in inches.
    """
    shares = {
        title: np.abs(weights) / np.abs(weights).sum(1, keepdims=True)
        for title, weights in sources.items()
    }
    most = max(share.max() for share in shares.values())
    figsize = (size * len(shares) + 0.9, size + 0.4)
    with panels(1, len(shares), figsize=figsize) as (figure, axes):
        for axis, (title, share) in zip(axes[0], shares.items(), strict=True):
            side = math.isqrt(share.shape[1])
            grid = rearrange(share.max(0), "(y x) -> y x", y=side)
            drawn = axis.imshow(grid, cmap="viridis", vmin=0, vmax=most)
            borders(axis, math.isqrt(len(share)), side, "white")
            axis.set_axis_off()
            axis.set_title(title, fontsize=10)
        figure.colorbar(drawn, ax=axes[0, -1], label="share of its query", shrink=0.8)
    return figure
