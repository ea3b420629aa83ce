"""Images must never be what a run waits for."""

import time

import pytest

from vlmcore.data.synthetic.icons import facts
from vlmcore.data.synthetic.task_families import knowledge, ocr, reasoning

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("family", [knowledge, reasoning, ocr])
def test_ten_thousand_images_with_questions_take_under_twenty_seconds_on_one_core(
    family,
):
    known = () if family is ocr else (facts(1),)
    started = time.process_time()
    scenes = family(1, 10_000, *known, questions=4)
    assert len(scenes.drawn()) == 10_000 and len(scenes.samples) == 40_000
    assert time.process_time() - started < 20
