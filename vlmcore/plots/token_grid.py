"""What a method does to the grid of patches: the cells it averages, the patches it keeps, the places a token looks at.

Axes: n images, v visual tokens, p patches in rows.
"""

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from einops import rearrange, reduce
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmcore.plots.patches import PAINT, bare, borders, many, painted
from vlmcore.plots.style import STYLE

SPACED = "#0072B2"
"""The colour of what is taken for its place alone."""


def cells(images: np.ndarray, visual_tokens: int, side: int = 12) -> Figure:
    """Images cut into V square cells and, below each, the mean colour of every cell: what averaging would leave of pixels.

    Args:
        images: uint8 (n, 3, h, h)
        visual_tokens: V, a square number.
        side: patches along one side of an image, drawn as thin lines.
    """
    across, size = math.isqrt(visual_tokens), images.shape[-1]
    means = reduce(
        images / 255, "n c (gy y) (gx x) -> n gy gx c", "mean", gy=across, gx=across
    )
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(
            2, len(images), figsize=(1.75 * len(images) + 0.4, 3.7), squeeze=False
        )
        bare(axes)
        for (above, below), image, mean in zip(axes.T, images, means, strict=True):
            above.imshow(image.transpose(1, 2, 0))
            borders(above, side, size, "0.75", 0.4)
            borders(above, across, size, "black", 1.2)
            below.imshow(mean)
        axes[0, 0].set_ylabel(f"{side**2} patches,\n{many(visual_tokens, 'cell')}")
        axes[1, 0].set_ylabel("mean of each cell")
    plt.close(figure)
    return figure


def token_weights(
    images: np.ndarray,
    weights: np.ndarray,
    titles: Sequence[str],
    labels: Sequence[str] = (),
    side: int = 12,
) -> Figure:
    """Images and, beside each, the patches that each of some tokens is made of: the redder the more, the largest weight of a token fully.

    Args:
        images: uint8 (n, 3, h, h)
        weights: float (n, v, p), not negative.
        titles: of the v tokens.
        labels: of the n rows, or none.
        side: patches along one side of an image.
    """
    rows, columns = len(images), 1 + len(titles)
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(
            rows, columns, figsize=(1.3 * columns, 1.3 * rows + 0.35), squeeze=False
        )
        bare(axes)
        for row, image, looks in zip(axes, images, weights, strict=True):
            row[0].imshow(image.transpose(1, 2, 0))
            for axis, look in zip(row[1:], looks, strict=True):
                axis.imshow(
                    painted(image, (look / max(look.max(), 1e-12)).reshape(side, side))
                )
        for axis, title in zip(axes[0, 1:], titles, strict=True):
            axis.set_title(title, fontsize=9, loc="center")
        for axis, label in zip(axes[:, 0], labels, strict=False):
            axis.set_ylabel(label, fontsize=9)
    plt.close(figure)
    return figure


def kept_patches(
    images: np.ndarray,
    kept: Mapping[str, Sequence[tuple[Sequence[int], Sequence[int]]]],
    side: int = 12,
) -> Figure:
    """Images and, below each, the patches that are kept: framed in red for their attention, in blue for their place; the others fade.

    Args:
        images: uint8 (n, 3, h, h)
        kept: one row for each entry: its label and, for each image, the numbers of the
            patches kept for the one and the other reason.
        side: patches along one side of an image.
    """
    rows, columns, size = 1 + len(kept), len(images), images.shape[-1]
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(
            rows, columns, figsize=(1.5 * columns + 0.4, 1.55 * rows), squeeze=False
        )
        bare(axes)
        for axis, image in zip(axes[0], images, strict=True):
            axis.imshow(image.transpose(1, 2, 0))
        for row, (label, choices) in zip(axes[1:], kept.items(), strict=True):
            row[0].set_ylabel(label)
            for axis, image, (seen, spaced) in zip(row, images, choices, strict=True):
                axis.imshow(_faded(image, [*seen, *spaced], side))
                for patches, colour in ((seen, PAINT), (spaced, SPACED)):
                    _frames(axis, patches, size / side, side, colour)
    plt.close(figure)
    return figure


def _faded(image: np.ndarray, kept: Sequence[int], side: int) -> np.ndarray:
    """An image, float (h, h, 3), nearly white but for the kept patches."""
    shown = np.full(side**2, 0.15)
    shown[np.asarray(kept, dtype=int)] = 1
    scale = image.shape[-1] // side
    mask = np.kron(shown.reshape(side, side), np.ones((scale, scale)))[..., None]
    return 1 - mask * (1 - rearrange(image, "c y x -> y x c") / 255)


def _frames(
    axis: Axes, patches: Sequence[int], patch: float, side: int, colour: str
) -> None:
    for number in patches:
        row, column = divmod(int(number), side)
        corner = (column * patch - 0.5, row * patch - 0.5)
        axis.add_patch(
            plt.Rectangle(
                corner, patch, patch, fill=False, edgecolor=colour, linewidth=1.0
            )
        )
