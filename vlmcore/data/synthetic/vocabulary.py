"""The words of the task families: what descriptions, questions and answers consist of.

A miniature language model of these families has one token for each word and no others.
"""

from vlmcore.data.synthetic.drawing import COLOUR_NAMES, GRID_SIDE
from vlmcore.data.synthetic.icons import ICONS, RELATIONS, VALUES
from vlmcore.data.synthetic.scenes import position_names

REASONING_KINDS = ("color", "icon", "count", "same", "left", "hop")
"""Kinds of questions of *reasoning*."""
OCR_SIDE = 8
"""Cells along one side of an image of *ocr*."""
OCR_POSITIONS = position_names(OCR_SIDE)
OCR_LETTERS = tuple("abcdefghjklmnprt")
OCR_DIGITS = tuple("0123456789")

CONTENT_WORDS = (tuple(ICONS), COLOUR_NAMES, (*OCR_LETTERS, *OCR_DIGITS))
"""The words for what a cell holds, by kind."""
SCENE_WORDS = (
    *ICONS,
    *COLOUR_NAMES,
    *map("column{}".format, range(1, GRID_SIDE + 1)),
    *map("row{}".format, range(1, GRID_SIDE + 1)),
    *OCR_POSITIONS,
    *OCR_LETTERS,
    *OCR_DIGITS,
)
"""Every word of a description."""
TEXT_WORDS = (*RELATIONS, *VALUES, "read", *REASONING_KINDS[:5], "yes", "no")
"""Every other word of a question or an answer."""
