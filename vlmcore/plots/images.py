"""Images with their questions, and with the attention of a token."""

import math
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vlmcore.plots.style import panels


def samples_grid(
    images: np.ndarray, captions: Sequence[str], columns: int = 6
) -> Figure:
    """Images with a caption above each.

    Args:
        images: uint8 (n, 3, h, w)
        captions: n of them.
        columns: images a row.
    """
    rows = -(-len(images) // columns)
    titles = [
        "\n".join(textwrap.fill(line, 20) for line in caption.splitlines())
        for caption in captions
    ]
    height = max(2.0, 1.7 + 0.17 * max(title.count("\n") + 1 for title in titles))
    size = (1.6 * columns, height * rows)
    with panels(rows, columns, figsize=size) as (figure, axes):
        for axis in axes.flat:
            axis.set_axis_off()
        for axis, image, title in zip(axes.flat, images, titles, strict=False):
            axis.imshow(image.transpose(1, 2, 0))
            axis.set_title(title, fontsize=9, loc="center")
    return figure


def attention_over_images(
    images: np.ndarray, weights: np.ndarray, captions: Sequence[str]
) -> Figure:
    """Images and, below each, the attention of a single visual token.

    Args:
        images: uint8 (n, 3, h, w)
        weights: float (n, p), attention to the p patches, row by row.
        captions: n of them.
    """
    grids = weights.reshape(len(weights), math.isqrt(weights.shape[1]), -1)
    with panels(2, len(images), figsize=(1.5 * len(images), 3.3)) as (figure, axes):
        for column, image, grid, caption in zip(
            axes.T, images, grids, captions, strict=True
        ):
            above, below = column
            above.imshow(image.transpose(1, 2, 0))
            above.set_title(caption, fontsize=9, loc="center")
            below.imshow(grid, cmap="viridis", vmin=0)
            for axis in column:
                axis.set_axis_off()
    return figure
