"""Images with what is asked about them, and with where a token looks."""

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from vlmcore.plots.style import STYLE


def samples_grid(
    images: np.ndarray, captions: Sequence[str], columns: int = 6
) -> Figure:
    """Images with a line of text under each.

    Args:
        images: uint8 (n, 3, h, w)
        captions: n of them.
        columns: images a row.
    """
    rows = -(-len(images) // columns)
    titles = [
        "\n".join(textwrap.fill(line, 24) for line in caption.splitlines())
        for caption in captions
    ]
    height = max(2.0, 1.7 + 0.13 * max(title.count("\n") + 1 for title in titles))
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(
            rows, columns, figsize=(1.6 * columns, height * rows), squeeze=False
        )
        for axis in axes.flat:
            axis.set_axis_off()
        for axis, image, title in zip(axes.flat, images, titles, strict=False):
            axis.imshow(image.transpose(1, 2, 0))
            axis.set_title(title, fontsize=7.5, loc="center")
    plt.close(figure)
    return figure


def attention_over_images(
    images: np.ndarray, weights: np.ndarray, captions: Sequence[str]
) -> Figure:
    """Where a single visual token looks: its attention drawn over each image.

    Args:
        images: uint8 (n, 3, h, w)
        weights: float (n, p), attention to the p patches, row by row.
        captions: n of them.
    """
    side = int(weights.shape[1] ** 0.5)
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(
            2, len(images), figsize=(1.5 * len(images), 3.3), squeeze=False
        )
        for column, (image, weight, caption) in enumerate(
            zip(images, weights, captions, strict=True)
        ):
            axes[0, column].imshow(image.transpose(1, 2, 0))
            axes[0, column].set_title(caption, fontsize=7.5, loc="center")
            axes[1, column].imshow(weight.reshape(side, side), cmap="viridis", vmin=0)
            for axis in axes[:, column]:
                axis.set_axis_off()
    plt.close(figure)
    return figure
