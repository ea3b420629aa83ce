"""Captioned shapes: one to three coloured shapes on a pale background, with captions.

A caption names the size, colour, shape and position of everything in its image. The
miniature vision encoder learns from these images the way CLIP (arXiv 2103.00020) learns
from images of the web, so that no benchmark image is spent on the encoder. Everything
is a pure function of the seed and the step.
"""

from typing import NamedTuple

import numpy as np

from vlmcore.data.synthetic.drawing import (
    COLOUR_NAMES,
    SHAPES,
    draw_shapes,
    pale_canvas,
    shades,
)

_SIZES = ("small", "large")
_ROWS = ("top", "middle", "bottom")
_COLUMNS = ("left", "centre", "right")
CAPTION_WORDS = ("a", "and", "at", *_SIZES, *COLOUR_NAMES, *SHAPES, *_ROWS, *_COLUMNS)

_IMAGE_SIZE = 64
_MAX_SHAPES = 3
_LARGE_FROM = 10.0  # half extent, in pixels, from which a shape is called large


class CaptionedImages(NamedTuple):
    """A batch of images, uint8 (n, 3, 64, 64), and one caption for each."""

    images: np.ndarray
    captions: list[str]


def captioned_shapes(seed: int, step: int, count: int) -> CaptionedImages:
    """Draws the images and captions of one training step.

    Args:
        seed: of the world; different seeds share no image.
        step: which batch of it.
        count: images to draw.
    """
    rng = np.random.default_rng((seed, step))
    number = rng.choice([1, 2, 3], size=count, p=[0.5, 0.3, 0.2])
    size = (count, _MAX_SHAPES)
    colour = rng.integers(len(COLOUR_NAMES), size=size)
    shape = rng.integers(len(SHAPES), size=size)
    extent = np.stack([rng.uniform(3, 15, size), rng.uniform(3, 15, size)], -1)
    upright = shape != SHAPES.index("rectangle")
    extent[upright, 1] = extent[upright, 0]
    centre = extent + rng.uniform(0, 1, (*size, 2)) * (_IMAGE_SIZE - 2 * extent)

    canvas, ink = pale_canvas(rng, count, _IMAGE_SIZE), shades(rng, colour)
    exists = np.arange(_MAX_SHAPES) < number[:, None]
    # the first shape is drawn last, so that it is never hidden
    backwards = (x[:, ::-1] for x in (shape, centre, extent, ink, exists))
    images = draw_shapes(canvas, *backwards)

    phrases = _phrases(colour, shape, extent, centre)
    captions = [" and ".join(of[:n]) for of, n in zip(phrases, number, strict=True)]
    return CaptionedImages(images, captions)


def _phrases(
    colour: np.ndarray, shape: np.ndarray, extent: np.ndarray, centre: np.ndarray
) -> list[list[str]]:
    """Returns `a small blue circle at top left` and the like, one for each shape."""
    column, row = np.moveaxis((centre * 3 / _IMAGE_SIZE).astype(int).clip(0, 2), -1, 0)
    large = (extent.mean(-1) >= _LARGE_FROM).astype(int)
    return [
        [
            f"a {_SIZES[large[n, i]]} {COLOUR_NAMES[colour[n, i]]} "
            f"{SHAPES[shape[n, i]]} at {_ROWS[row[n, i]]} {_COLUMNS[column[n, i]]}"
            for i in range(_MAX_SHAPES)
        ]
        for n in range(len(colour))
    ]
