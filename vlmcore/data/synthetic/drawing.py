"""Pieces that every drawn world is made of: a pale canvas, masks of glyphs, and pasting many of them at once."""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

Seed = int | tuple[int, ...]


def generator(seed: Seed, world: int) -> np.random.Generator:
    """Random numbers of one world: two worlds share none, whatever their seeds. Zeros at the end of a seed count for nothing."""
    return np.random.default_rng(
        (world, *(seed if isinstance(seed, tuple) else (seed,)))
    )


def permutations(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    """A permutation of `size` things for each scene, int (count, size)."""
    return rng.permuted(np.tile(np.arange(size), (count, 1)), axis=1)


def pale_canvas(rng: np.random.Generator, count: int, image_size: int) -> np.ndarray:
    """Backgrounds of a pale colour each, float32 (count, 3, image_size, image_size)."""
    pale = rng.integers(215, 256, (count, 3, 1, 1))
    return np.broadcast_to(pale, (count, 3, image_size, image_size)).astype(np.float32)


@cache
def glyph_masks(
    characters: tuple[str, ...], font: str, points: int, side: int
) -> np.ndarray:
    """Shares of the pixels that each character covers, float32 (characters, side, side).

    Args:
        characters: what to draw, each in the middle of its square.
        font: file name of a font that matplotlib ships, such as `DejaVuSans.ttf`.
        points: size of the font, in pixels.
        side: of the square, in pixels.
    """
    face = ImageFont.truetype(
        Path(matplotlib.get_data_path()) / "fonts" / "ttf" / font, points
    )
    masks = []
    for character in characters:
        image = Image.new("L", (side, side))
        ImageDraw.Draw(image).text(
            (side / 2, side / 2), character, font=face, fill=255, anchor="mm"
        )
        masks.append(np.asarray(image, dtype=np.float32) / 255)
    return np.stack(masks)


def paste(
    canvas: np.ndarray,
    image: np.ndarray,
    masks: np.ndarray,
    corner: np.ndarray,
    ink: np.ndarray,
) -> None:
    """Paints one mask into each of some images, in place.

    Args:
        canvas: float32 (n, 3, h, h).
        image: int (b,), rows of the canvas, each at most once.
        masks: float (b, s, s), shares of the pixels to cover.
        corner: int (b, 2), top and left of each mask.
        ink: float (b, 3), colours.
    """
    pixels = np.arange(masks.shape[-1])
    rows, columns = (corner[:, i, None] + pixels for i in (0, 1))
    window = (
        image[:, None, None, None],
        np.arange(3)[:, None, None],
        rows[:, None, :, None],
        columns[:, None, None, :],
    )
    canvas[window] += masks[:, None] * (ink[:, :, None, None] - canvas[window])
