"""Captioned scenes of flags, pictograms and letters, to pre-train a vision encoder on.

A caption names what its image shows: `france and pizza`. It says nothing of a country
but its name.
"""

import numpy as np

from vlmcore.data.flags.drawing import ALPHABET, draw_scene
from vlmcore.data.flags.scenes import alone, in_quadrants
from vlmcore.data.flags.world import World
from vlmcore.data.synthetic.captioned_shapes import CaptionedImages


def caption_names(world: World) -> tuple[str, ...]:
    """The names of flags, pictograms and letters, by glyph."""
    return (*world.names, *(f"letter {letter}" for letter in ALPHABET))


def captioned_flags(world: World, seed: int, step: int, count: int) -> CaptionedImages:
    """Draws the images and captions of one training step.

    Half of the objects are flags, whose names are what counts; half of the images show
    one object, the others two or three.

    Args:
        world: gives glyphs and names.
        seed: of the images.
        step: which batch of them.
        count: images to draw.
    """
    rng = np.random.default_rng((seed, step))
    names, flags = caption_names(world), len(world.countries)
    images, captions = [], []
    for number in rng.choice([1, 2, 3], size=count, p=[0.5, 0.3, 0.2]):
        of_flag = rng.random(number) < 0.5
        any_flag, other = (
            rng.integers(flags, size=number),
            rng.integers(flags, len(names), size=number),
        )
        glyphs = np.where(of_flag, any_flag, other)
        if number == 1:
            placed = alone(rng, int(glyphs[0]))
        else:
            placed = in_quadrants(rng, glyphs.tolist(), rng.permutation(4)[:number])
        images.append(draw_scene(world, *placed, rng))
        captions.append(" and ".join(names[glyph] for glyph in glyphs))
    return CaptionedImages(np.stack(images), captions)
