"""How much an image has to say for its questions to be answered, in bits.

A compressor that is told the question needs to pass on no more than its answer. One
that is not told must be ready for every question that might come, so it has to pass on
the scene. The gap between the two is what there is to win by telling it.
"""

from math import comb, log2
from typing import NamedTuple

from vlmcore.data.synthetic.icons import ICONS, PAINTS
from vlmcore.data.synthetic.task_families import (
    DIGITS,
    KINDS,
    LENGTHS,
    LETTERS,
    OBJECTS,
    of_length,
)

ALPHABETS = (LETTERS, DIGITS)
"""A page is written in one of them."""


class Bits(NamedTuple):
    """What a kind of question needs from the image, for answers that are equally likely."""

    known: float
    """With the question known."""
    unknown: float
    """With only its family known."""


def bits() -> dict[str, Bits]:
    """Bits for each kind of question of the three families.

    A fact is not in the image: the image has to say which icon, and the language model
    knows the rest. The scenes of *reasoning* are counted as icons that differ, each of
    any colour, and one bit for what is left of what. That is slightly too many: colours
    repeat by rule. On a page only what is written counts, not which places are empty.

    Example:
        >>> bits()["fact"]
        Bits(known=6.0, unknown=6.0)
    """
    icon, paint = log2(len(ICONS)), log2(len(PAINTS))
    scene = sum(log2(comb(len(ICONS), n)) + n * paint + 1 for n in OBJECTS) / len(
        OBJECTS
    )
    known = {
        "color": paint,
        "icon": icon,
        "count": log2(max(OBJECTS)),
        "same": 1.0,
        "left": 1.0,
        "hop": icon,
    }
    letter = sum(log2(len(alphabet)) for alphabet in ALPHABETS) / len(ALPHABETS)
    which = log2(len(ALPHABETS))
    return (
        {"fact": Bits(icon, icon)}
        | {kind: Bits(known[kind], scene) for kind in KINDS}
        | {of_length(n): Bits(which + letter, which + n * letter) for n in LENGTHS}
    )
