"""What pictures of patches share: paint where something looks, borders between cells."""

import numpy as np
from matplotlib import colors
from matplotlib.axes import Axes

PAINT = "#D55E00"
"""The colour of attention, and of the one region that is followed through a figure."""


def painted(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """An image in pale grey with paint where something looks.

    Args:
        image: uint8 (3, h, w)
        weights: from 0 to 1, float (rows, columns) of patches.

    Returns:
        float (h, w, 3)
    """
    paint = (
        0.9
        * np.kron(weights, np.ones(np.array(image.shape[1:]) // weights.shape))[
            ..., None
        ]
    )
    grey = 0.5 + 0.5 * image.mean(0)[..., None] / 255
    return (1 - paint) * grey + paint * np.array(colors.to_rgb(PAINT))


def borders(
    axis: Axes, cells: int, size: int, colour: str = "black", width: float = 1.2
) -> None:
    """Lines between the cells of a square picture of `size` pixels a side."""
    for i in range(1, cells):
        at = i * size / cells - 0.5
        axis.axhline(at, color=colour, linewidth=width)
        axis.axvline(at, color=colour, linewidth=width)


def bare(axes: np.ndarray) -> None:
    """Takes ticks and frames away."""
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)


def many(number: int, one: str, more: str | None = None) -> str:
    """A number and what there is of it, "4 cells"."""
    return f"{number} {one}" if number == 1 else f"{number} {more or one + 's'}"
