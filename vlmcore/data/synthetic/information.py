"""How much an image has to say for its questions to be answered, in bits.

A compressor that is conditioned on the question needs to pass on the answer alone.
Another has to be ready for every question that might come, so it has to pass on the
scene. The difference is what conditioning can save.
"""

from math import comb, log2
from typing import NamedTuple

from vlmcore.data.synthetic.drawing import COLOUR_NAMES
from vlmcore.data.synthetic.icons import ICONS
from vlmcore.data.synthetic.scenes import count_kind
from vlmcore.data.synthetic.task_families import ICON_COUNTS, OCR_LENGTHS
from vlmcore.data.synthetic.vocabulary import OCR_DIGITS, OCR_LETTERS, REASONING_KINDS


class Bits(NamedTuple):
    """The bits that a kind of question needs, if its answers are equally likely."""

    known: float
    """With the question known."""
    unknown: float
    """With only its family known."""


def bits() -> dict[str, Bits]:
    """Returns the bits for each kind of question of the three task families.

    A fact is not in the image: the image has to say which icon, and the language model
    knows the rest. The scenes of *reasoning* are counted as different icons, each of
    any colour, and one bit for which of two is on the left. That is slightly too many:
    colours repeat by rule. In *ocr* the characters count, and not which cells are
    empty.

    Example:
        >>> bits()["fact"]
        Bits(known=6.0, unknown=6.0)
    """
    icon, colour = log2(len(ICONS)), log2(len(COLOUR_NAMES))
    scenes = [log2(comb(len(ICONS), n)) + n * colour + 1 for n in ICON_COUNTS]
    scene = sum(scenes) / len(scenes)
    known = {
        "color": colour,
        "icon": icon,
        "count": log2(max(ICON_COUNTS)),
        "same": 1.0,
        "left": 1.0,
        "hop": icon,
    }
    alphabets = (OCR_LETTERS, OCR_DIGITS)  # a scene is written in one of them
    letter = sum(log2(len(alphabet)) for alphabet in alphabets) / len(alphabets)
    which = log2(len(alphabets))
    return (
        {"fact": Bits(icon, icon)}
        | {kind: Bits(known[kind], scene) for kind in REASONING_KINDS}
        | {
            count_kind(n, "character"): Bits(which + letter, which + n * letter)
            for n in OCR_LENGTHS
        }
    )
