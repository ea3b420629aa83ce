"""Draws scenes of flags, pictograms and letters: tilted glyphs on a shaded background.

Places and sizes are shares of the image's side, from the upper left corner.
"""

import math
from functools import cache

import numpy as np
from numpy.random import Generator
from PIL import Image

from vlmcore.data.flags.world import World
from vlmcore.data.synthetic.drawing import letter_masks

IMAGE_SIZE = 120
"""Side of an image, in pixels."""
ALPHABET = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LETTER_SIDE, _COARSE = 48, 12


@cache
def letter_glyphs() -> np.ndarray:
    """Black capitals on transparent ground, uint8 (26, 48, 48, 4)."""
    masks = letter_masks(ALPHABET, 44, _LETTER_SIDE)
    glyphs = np.zeros((*masks.shape, 4), dtype=np.uint8)
    glyphs[..., 3] = (255 * masks).round()
    return glyphs


def background(rng: Generator, size: int = IMAGE_SIZE) -> Image.Image:
    """A linear shade from one pale colour to another, in a random direction."""
    start, end = rng.integers(150, 256, (2, 3))
    angle = rng.uniform(0, 2 * math.pi)
    axis = np.linspace(-0.5, 0.5, _COARSE)
    ramp = axis * math.cos(angle) + axis[:, None] * math.sin(angle)
    pixels = start + (ramp / 1.5 + 0.5)[..., None] * (end - start)
    small = Image.fromarray(pixels.round().astype(np.uint8))
    return small.resize((size, size), Image.Resampling.BILINEAR)


def draw_scene(
    world: World,
    glyph: np.ndarray,
    centre: np.ndarray,
    side: np.ndarray,
    tilt: np.ndarray,
    rng: Generator,
) -> np.ndarray:
    """Draws one scene, uint8 (3, 120, 120).

    Args:
        world: gives the glyphs.
        glyph: int (m,), glyphs of the world, then letters; -1 for none.
        centre: float (m, 2), x and y.
        side: float (m,), of each glyph's square.
        tilt: float (m,), degrees.
        rng: of the background.
    """
    image, letters = background(rng), letter_glyphs()
    for i in np.flatnonzero(glyph >= 0):
        letter = glyph[i] - len(world.names)
        drawn = letters[letter] if letter >= 0 else world.glyphs[glyph[i]]
        pixels = max(4, round(float(side[i]) * IMAGE_SIZE))
        part = Image.fromarray(drawn).resize((pixels, pixels), Image.Resampling.BOX)
        part = part.rotate(float(tilt[i]), Image.Resampling.BILINEAR)
        left, top = (round(float(c) * IMAGE_SIZE - pixels / 2) for c in centre[i])
        image.paste(part, (left, top), part)
    return np.asarray(image).transpose(2, 0, 1)
