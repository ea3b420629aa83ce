"""Captioned shapes: one to three coloured shapes on a pale background, and captions that name their sizes, colours, forms and places.

The miniature vision encoder learns from them the way CLIP learns from pictures of the
web (`vlmcore.experiments.pretraining.clip_and_text`), so that no benchmark image is
spent on the encoder. Everything is a pure function of `(seed, step)`.
"""

from typing import NamedTuple

import numpy as np

COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "teal": (0, 128, 128),
    "brown": (165, 42, 42),
    "gray": (128, 128, 128),
    "black": (0, 0, 0),
}
SHAPES = ("circle", "rectangle", "triangle")
SIZES = ("small", "large")
ROWS = ("top", "middle", "bottom")
COLUMNS = ("left", "centre", "right")
CAPTION_WORDS = ("a", "and", "at", *SIZES, *COLOURS, *SHAPES, *ROWS, *COLUMNS)

IMAGE_SIZE = 64
MAX_SHAPES = 3
LARGE_FROM = 10.0  # half extent, in pixels, from which a shape is called large


class CaptionedImages(NamedTuple):
    """A batch of images, uint8 (n, 3, 64, 64), and one caption for each."""

    images: np.ndarray
    captions: list[str]


def captioned_shapes(seed: int, step: int, count: int) -> CaptionedImages:
    """Draws the images and captions of one training step.

    Args:
        seed: names the world; two seeds share no image.
        step: which batch of it.
        count: images to draw.
    """
    rng = np.random.default_rng((seed, step))
    number = rng.choice([1, 2, 3], size=count, p=[0.5, 0.3, 0.2])
    size = (count, MAX_SHAPES)
    colour = rng.integers(len(COLOURS), size=size)
    shape = rng.integers(len(SHAPES), size=size)
    extent = np.stack([rng.uniform(3, 15, size), rng.uniform(3, 15, size)], -1)
    extent[shape != SHAPES.index("rectangle"), 1] = extent[
        shape != SHAPES.index("rectangle"), 0
    ]
    centre = extent + rng.uniform(0, 1, (*size, 2)) * (IMAGE_SIZE - 2 * extent)

    canvas = np.broadcast_to(
        rng.integers(215, 256, (count, 3, 1, 1)), (count, 3, IMAGE_SIZE, IMAGE_SIZE)
    ).astype(np.float32)
    palette = np.array(list(COLOURS.values()), dtype=np.float32)
    jitter = rng.normal(0, 8, (*size, 3))
    for i in reversed(
        range(MAX_SHAPES)
    ):  # the first shape, painted last, is never hidden
        cover = (
            coverage(shape[:, i], centre[:, i], extent[:, i])
            * (number > i)[:, None, None]
        )
        paint = np.clip(palette[colour[:, i]] + jitter[:, i], 0, 255).astype(np.float32)
        canvas += cover[:, None] * (paint[:, :, None, None] - canvas)

    words = _words(colour, shape, extent, centre)
    captions = [" and ".join(words[n][: number[n]]) for n in range(count)]
    return CaptionedImages(canvas.round().astype(np.uint8), captions)


def coverage(
    shape: np.ndarray,
    centre: np.ndarray,
    extent: np.ndarray,
    image_size: int = IMAGE_SIZE,
) -> np.ndarray:
    """Share of each pixel that a shape covers, anti-aliased.

    Args:
        shape: int (n,), indices into `SHAPES`.
        centre: float (n, 2), x and y in pixels.
        extent: float (n, 2), half width and half height in pixels.
        image_size: side of the image, in pixels.

    Returns:
        float32 (n, image_size, image_size), from the signed distance to the outline,
        clipped to one pixel.
    """
    axis = np.arange(image_size, dtype=np.float32) + 0.5
    x = axis[None, None, :] - centre[:, 0, None, None].astype(np.float32)
    y = axis[None, :, None] - centre[:, 1, None, None].astype(np.float32)
    half_w, half_h = (extent[:, i, None, None].astype(np.float32) for i in (0, 1))
    circle = np.sqrt(x * x + y * y) - half_w
    rectangle = np.maximum(np.abs(x) - half_w, np.abs(y) - half_h)
    slope = half_w / np.hypot(
        half_w, 2 * half_h
    )  # an upright isosceles triangle that fills its box
    triangle = np.maximum(
        y - half_h, (np.abs(x) * 2 * half_h / half_w - (y + half_h)) * slope
    )
    kind = shape[:, None, None]
    distance = np.where(kind == 0, circle, np.where(kind == 1, rectangle, triangle))
    return np.clip(0.5 - distance, 0, 1)


def _words(
    colour: np.ndarray, shape: np.ndarray, extent: np.ndarray, centre: np.ndarray
) -> list[list[str]]:
    """One phrase a shape, such as `a small blue circle at top left`; lists (n, MAX_SHAPES)."""
    names = list(COLOURS)
    thirds = np.clip((centre * 3 / IMAGE_SIZE).astype(int), 0, 2)
    large = (extent.mean(-1) >= LARGE_FROM).astype(int)
    return [
        [
            f"a {SIZES[large[n, i]]} {names[colour[n, i]]} {SHAPES[shape[n, i]]} at "
            f"{ROWS[thirds[n, i, 1]]} {COLUMNS[thirds[n, i, 0]]}"
            for i in range(MAX_SHAPES)
        ]
        for n in range(len(colour))
    ]
