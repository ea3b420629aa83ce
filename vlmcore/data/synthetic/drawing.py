"""The parts that every synthetic world is drawn from: canvases, glyphs and shapes.

All images of a world are drawn at once, as one float array (n, 3, height, width).
Positions and sizes are in pixels, and masks are the shares of the pixels to cover.
"""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont

Seed = int | tuple[int, ...]

IMAGE_SIZE = 72
"""Side of an image, in pixels."""
GRID_SIDE = 4
"""Cells along one side of an image."""
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
"""The colours of easy-VQA, in RGB."""
COLOUR_NAMES = tuple(COLOURS)
SHAPES = ("circle", "rectangle", "triangle")
"""The shapes of easy-VQA."""


def generator(seed: Seed, world: int) -> Generator:
    """Returns the random numbers of one world; different worlds share none.

    Zeros at the end of a seed are ignored: (3, 0) is the same seed as 3.
    """
    seeds = seed if isinstance(seed, tuple) else (seed,)
    return np.random.default_rng((world, *seeds))


def permutations(rng: Generator, count: int, size: int) -> np.ndarray:
    """Draws a permutation of `size` numbers for each scene, int (count, size)."""
    return rng.permuted(np.tile(np.arange(size), (count, 1)), axis=1)


def pale_canvas(rng: Generator, count: int, image_size: int = IMAGE_SIZE) -> np.ndarray:
    """Draws a plain pale background for each image, float32 (count, 3, size, size)."""
    pale = rng.integers(215, 256, (count, 3, 1, 1))
    return np.broadcast_to(pale, (count, 3, image_size, image_size)).astype(np.float32)


def shades(rng: Generator, colour: np.ndarray) -> np.ndarray:
    """Draws a shade of each colour, float32 (..., 3), from numbers of it."""
    palette = np.array(list(COLOURS.values()), dtype=np.float32)
    noise = rng.normal(0, 8, (*colour.shape, 3))
    return np.clip(palette[colour] + noise, 0, 255).astype(np.float32)


def cell_corners(cell: np.ndarray, grid: int = GRID_SIDE) -> np.ndarray:
    """Returns top and left of cells that are numbered row by row, int (..., 2)."""
    return IMAGE_SIZE // grid * np.stack(np.divmod(cell, grid), -1)


@cache
def glyph_masks(
    characters: tuple[str, ...], font: str, points: int, side: int
) -> np.ndarray:
    """Draws each character in the middle of a square, float32 (characters, side, side).

    Args:
        characters: what to draw.
        font: file name of a font that matplotlib ships, such as `DejaVuSans.ttf`.
        points: size of the font, in pixels.
        side: of the square, in pixels.
    """
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    face = ImageFont.truetype(folder / font, points)
    masks = []
    for character in characters:
        image = Image.new("L", (side, side))
        ImageDraw.Draw(image).text(
            (side / 2, side / 2), character, font=face, fill=255, anchor="mm"
        )
        masks.append(np.asarray(image, dtype=np.float32) / 255)
    return np.stack(masks)


def letter_masks(letters: tuple[str, ...], points: int, side: int) -> np.ndarray:
    """Draws letters as bold capitals, float32 (letters, side, side)."""
    capitals = tuple(letter.upper() for letter in letters)
    return glyph_masks(capitals, "DejaVuSansMono-Bold.ttf", points, side)


def draw_glyphs(
    canvas: np.ndarray,
    masks: np.ndarray,
    glyph: np.ndarray,
    corner: np.ndarray,
    ink: np.ndarray,
    exists: np.ndarray,
) -> np.ndarray:
    """Draws glyphs on a canvas, which is overwritten.

    Args:
        canvas: float32 (n, 3, h, w).
        masks: float32 (glyphs, s, s).
        glyph: int (n, m), into `masks`.
        corner: int (n, m, 2), top and left.
        ink: float32 (n, m, 3), or (n, 1, 3) for one colour an image.
        exists: bool (n, m), whether a glyph is drawn.

    Returns:
        uint8 (n, 3, h, w)
    """
    ink = np.broadcast_to(ink, (*glyph.shape, 3))[..., None, None]
    rows, columns = np.moveaxis(corner[..., None] + np.arange(masks.shape[-1]), 2, 0)
    for j in range(glyph.shape[1]):
        i = np.flatnonzero(exists[:, j])
        pixels = (
            i[:, None, None, None],
            np.arange(3)[:, None, None],
            rows[i, j, None, :, None],
            columns[i, j, None, None, :],
        )
        share = masks[glyph[i, j], None]
        canvas[pixels] += share * (ink[i, j] - canvas[pixels])
    return canvas.round().astype(np.uint8)


def draw_shapes(
    canvas: np.ndarray,
    shape: np.ndarray,
    centre: np.ndarray,
    extent: np.ndarray,
    ink: np.ndarray,
    exists: np.ndarray,
) -> np.ndarray:
    """Draws shapes on a canvas, which is overwritten; the last shape lies on top.

    Args:
        canvas: float32 (n, 3, h, h).
        shape: int (n, m), into `SHAPES`.
        centre: float (n, m, 2), x and y.
        extent: float (n, m, 2), half the width and half the height.
        ink: float32 (n, m, 3).
        exists: bool (n, m), whether a shape is drawn.

    Returns:
        uint8 (n, 3, h, h)
    """
    for j in range(shape.shape[1]):
        mask = shape_masks(shape[:, j], centre[:, j], extent[:, j], canvas.shape[-1])
        mask *= exists[:, j, None, None]
        canvas += mask[:, None] * (ink[:, j, :, None, None] - canvas)
    return canvas.round().astype(np.uint8)


def shape_masks(
    shape: np.ndarray, centre: np.ndarray, extent: np.ndarray, image_size: int
) -> np.ndarray:
    """Returns anti-aliased masks of shapes, float32 (n, image_size, image_size).

    A pixel's share is its signed distance to the outline, clipped to one pixel.
    Arguments are those of `draw_shapes`, for one shape an image.
    """
    axis = np.arange(image_size, dtype=np.float32) + 0.5
    (x0, y0), (half_w, half_h) = (
        pair.astype(np.float32).T[:, :, None, None] for pair in (centre, extent)
    )
    x, y = axis[None, None, :] - x0, axis[None, :, None] - y0
    circle = np.sqrt(x * x + y * y) - half_w
    rectangle = np.maximum(np.abs(x) - half_w, np.abs(y) - half_h)
    # an upright isosceles triangle that fills its box
    side = np.abs(x) * 2 * half_h / half_w - (y + half_h)
    triangle = np.maximum(y - half_h, side * (half_w / np.hypot(half_w, 2 * half_h)))
    distance = np.choose(shape[:, None, None], (circle, rectangle, triangle))
    return np.clip(0.5 - distance, 0, 1)
