"""The grid of patches: cells that are averaged, patches kept, patches attended to.

Axes: n images, v visual tokens, p patches in rows.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from einops import rearrange, reduce
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmcore.plots.patches import ATTENTION, bare, borders, framed, painted
from vlmcore.plots.style import panels

_SPACED = "#0072B2"
"""The colour of patches that are kept for their position alone."""


def pooled_cells(images: np.ndarray, visual_tokens: int, side: int = 12) -> Figure:
    """Images cut into V square cells and, below each, the mean colour of every cell.

    Args:
        images: uint8 (n, 3, h, h)
        visual_tokens: V, a square number.
        side: patches along one side of an image, drawn as thin lines.
    """
    across, size = math.isqrt(visual_tokens), images.shape[-1]
    means = reduce(
        images / 255, "n c (gy y) (gx x) -> n gy gx c", "mean", gy=across, gx=across
    )
    figsize = (1.75 * len(images) + 0.4, 3.7)
    with panels(2, len(images), figsize=figsize) as (figure, axes):
        bare(axes)
        for (above, below), image, mean in zip(axes.T, images, means, strict=True):
            above.imshow(image.transpose(1, 2, 0))
            borders(above, side, size, "0.75", 0.4)
            borders(above, across, size, "black", 1.2)
            below.imshow(mean)
        axes[0, 0].set_ylabel(f"{side**2} patches,\nV = {visual_tokens}")
        axes[1, 0].set_ylabel("mean of each cell")
    return figure


def token_weights(
    images: np.ndarray,
    weights: np.ndarray,
    titles: Sequence[str],
    labels: Sequence[str] = (),
    side: int = 12,
) -> Figure:
    """Images and, beside each, the patches that some tokens are pooled from.

    The higher the weight, the redder the patch; the highest of a token is fully red.

    Args:
        images: uint8 (n, 3, h, h)
        weights: float (n, v, p), not negative.
        titles: of the v tokens.
        labels: of the n rows, or none.
        side: patches along one side of an image.
    """
    rows, columns = len(images), 1 + len(titles)
    size = (1.3 * columns, 1.3 * rows + 0.35)
    with panels(rows, columns, figsize=size) as (figure, axes):
        bare(axes)
        for row, image, tokens in zip(axes, images, weights, strict=True):
            row[0].imshow(image.transpose(1, 2, 0))
            for axis, weight in zip(row[1:], tokens, strict=True):
                grid = (weight / max(weight.max(), 1e-12)).reshape(side, side)
                axis.imshow(painted(image, grid))
        for axis, title in zip(axes[0, 1:], titles, strict=True):
            axis.set_title(title, fontsize=9, loc="center")
        for axis, label in zip(axes[:, 0], labels, strict=False):
            axis.set_ylabel(label, fontsize=9)
    return figure


def kept_patches(
    images: np.ndarray,
    kept: Mapping[str, Sequence[tuple[Sequence[int], Sequence[int]]]],
    side: int = 12,
) -> Figure:
    """Images and, below each, the kept patches: red for attention, blue for position.

    The other patches fade.

    Args:
        images: uint8 (n, 3, h, h)
        kept: one row for each entry: its label and, for each image, the indices of the
            patches kept for the one and the other reason.
        side: patches along one side of an image.
    """
    rows, columns, size = 1 + len(kept), len(images), images.shape[-1]
    figsize = (1.5 * columns + 0.4, 1.55 * rows)
    with panels(rows, columns, figsize=figsize) as (figure, axes):
        bare(axes)
        for axis, image in zip(axes[0], images, strict=True):
            axis.imshow(image.transpose(1, 2, 0))
        for row, (label, choices) in zip(axes[1:], kept.items(), strict=True):
            row[0].set_ylabel(label)
            for axis, image, (salient, spaced) in zip(
                row, images, choices, strict=True
            ):
                axis.imshow(_faded(image, [*salient, *spaced], side))
                _frames(axis, salient, size / side, side, ATTENTION)
                _frames(axis, spaced, size / side, side, _SPACED)
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
    for index in patches:
        framed(axis, divmod(int(index), side), patch, colour)
