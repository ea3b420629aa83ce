"""Parts of figures of patches: colour by attention, borders between cells."""

import numpy as np
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

ATTENTION = "#D55E00"
"""The colour of attention, and of the one region that is followed through a figure."""


def painted(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """An image in pale grey, coloured by attention.

    Args:
        image: uint8 (3, h, w)
        weights: from 0 to 1, float (rows, columns) of patches.

    Returns:
        float (h, w, 3)
    """
    patch = np.ones(np.array(image.shape[1:]) // weights.shape)
    paint = 0.9 * np.kron(weights, patch)[..., None]
    grey = 0.5 + 0.5 * image.mean(0)[..., None] / 255
    return (1 - paint) * grey + paint * np.array(colors.to_rgb(ATTENTION))


def borders(
    axis: Axes, cells: int, size: int, colour: str = "black", width: float = 1.2
) -> None:
    """Lines between the cells of a square picture of `size` pixels a side."""
    for i in range(1, cells):
        at = i * size / cells - 0.5
        axis.axhline(at, color=colour, linewidth=width)
        axis.axvline(at, color=colour, linewidth=width)


def framed(
    axis: Axes, cell: tuple[int, int], size: float, colour: str, width: float = 1.0
) -> None:
    """A frame around the cell at a row and column, in a picture of cells of `size`."""
    corner = (cell[1] * size - 0.5, cell[0] * size - 0.5)
    frame = Rectangle(corner, size, size, fill=False, edgecolor=colour, linewidth=width)
    axis.add_patch(frame)


def bare(axes: np.ndarray) -> None:
    """Removes ticks and frames."""
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
