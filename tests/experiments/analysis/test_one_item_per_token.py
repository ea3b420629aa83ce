import math

import numpy as np
import pytest

from vlmcore.data.synthetic.task_families import ocr
from vlmcore.data.synthetic.vocabulary import OCR_POSITIONS, OCR_SIDE
from vlmcore.experiments.analysis.one_item_per_token import one_character_a_token

PAGES = ocr(5, 300, questions=2, draw=False)


@pytest.mark.parametrize("visual_tokens", [1, 4, 16, 64])
def test_the_rule_against_counting(visual_tokens):
    """A loop over questions counts the characters in the asked character's cell."""
    cell = OCR_SIDE // math.isqrt(visual_tokens)
    for sample, chance in zip(
        PAGES.samples, one_character_a_token(PAGES, visual_tokens), strict=True
    ):
        position = sample.question.removeprefix("read ")
        row, column = divmod(OCR_POSITIONS.index(position), OCR_SIDE)
        page = (PAGES.descriptions[sample.image, :, 1] >= 0).reshape(OCR_SIDE, OCR_SIDE)
        top, left = row - row % cell, column - column % cell
        held = page[top : top + cell, left : left + cell].sum()
        assert chance == pytest.approx(1 / held + (1 - 1 / held) / sample.choices)


def test_36_tokens_hold_at_most_four_characters_each():
    """Eight positions along a side are split among six tokens as 1, 2, 1, 1, 2, 1."""
    right = one_character_a_token(PAGES, 36)
    choices = np.array([sample.choices for sample in PAGES.samples])
    held = (1 - 1 / choices) / (right - 1 / choices)
    assert np.allclose(held, held.round()) and held.min() >= 1 and held.max() <= 4


def test_more_tokens_keep_more_and_a_single_character_is_always_kept():
    right = {v: one_character_a_token(PAGES, v) for v in (1, 4, 16, 36, 64)}
    assert np.all(np.diff([each.mean() for each in right.values()]) > 0)
    assert np.allclose(right[64], 1)
    single = np.array([sample.kind == "1 character" for sample in PAGES.samples])
    assert all(np.allclose(each[single], 1) for each in right.values())
