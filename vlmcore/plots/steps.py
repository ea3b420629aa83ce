"""How a token is made: what every patch holds after each step, behind a slider.

Axes: n columns of an image with a question each, p = c*c patches or regions in rows, d
channels.
"""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from vlmcore.plots.patches import bare, painted
from vlmcore.plots.slider import Slider, with_slider
from vlmcore.plots.style import panels


class Step(NamedTuple):
    """The picture below the images after a step."""

    cells: np.ndarray
    """Weights, float (n, p), painted over the images; or colours, float (n, p, 3)."""
    notes: Sequence[str] = ()
    """A line below each column, or none."""


def vector_colours(*vectors: np.ndarray) -> list[np.ndarray]:
    """Colours in which similar vectors look alike: their first principal components.

    Args:
        vectors: float (..., d) each; all get the same components.

    Returns:
        float (..., 3) each, from 0 to 1.

    Raises:
        ValueError: the vectors have fewer than three channels.
    """
    channels = vectors[0].shape[-1]
    if channels < 3:
        raise ValueError(
            f"vectors of {channels} channels have no three principal components; give "
            "vectors of three channels or more"
        )
    flat = np.concatenate([each.reshape(-1, channels) for each in vectors])
    mean = flat.mean(0)
    _, _, axes = np.linalg.svd(flat - mean, full_matrices=False)
    spread = np.abs((flat - mean) @ axes[:3].T).max(0).clip(min=1e-12)
    shifted = [(each - mean) @ axes[:3].T / spread for each in vectors]
    return [((each + 1) / 2).clip(0, 1) for each in shifted]  # but for rounding


def token_steps(
    images: np.ndarray, captions: Sequence[str], steps: Mapping[str, Step]
) -> Slider:
    """The same images under several captions and, below, one step after another.

    Args:
        images: uint8 (n, 3, h, h)
        captions: n of them.
        steps: their names, in order.
    """
    figures = {
        f"{i}. {name}": _after(images, captions, step)
        for i, (name, step) in enumerate(steps.items(), 1)
    }
    return with_slider(figures, "step")


def _after(images: np.ndarray, captions: Sequence[str], step: Step) -> Figure:
    size = (2.1 * len(images), 4.7)
    with panels(2, len(images), figsize=size) as (figure, axes):
        bare(axes)
        for column, image, caption, cells in zip(
            axes.T, images, captions, step.cells, strict=True
        ):
            above, below = column
            above.imshow(image.transpose(1, 2, 0))
            above.set_title(textwrap.fill(caption, 22), fontsize=9, loc="center")
            side = math.isqrt(len(cells))
            grid = cells.reshape(side, side, *cells.shape[1:])
            if grid.ndim == 2:
                low, high = grid.min(), grid.max()
                grid = painted(image, (grid - low) / max(high - low, 1e-12))
            below.imshow(grid)
        # a blank where there is no note, so that all frames have the same layout
        for axis, note in zip(axes[1], step.notes or " " * len(images), strict=True):
            axis.set_xlabel(note, fontsize=9)
    return figure
