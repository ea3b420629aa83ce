"""Scenes must never be what a run waits for: drawing them beside encoding them."""

import pytest
import torch

from tests.performance.conftest import times_faster
from vlmcore.data.synthetic.icons import facts
from vlmcore.data.synthetic.letters_and_shapes import WORLDS
from vlmcore.data.synthetic.task_families import knowledge, ocr, reasoning
from vlmcore.models.vision import VisionEncoder

SCENES = 512
MAKE = {
    **{family.__name__: family for family in (knowledge, reasoning, ocr)},
    **WORLDS,
}


@pytest.mark.parametrize("name", MAKE)
def bench_drawing_beside_encoding(record, name):
    known = (facts(1),) if name in ("knowledge", "reasoning") else ()
    encoder = VisionEncoder.from_pretrained()
    pixels = torch.from_numpy(MAKE[name](1, SCENES, *known).drawn())

    with torch.inference_mode():
        ratio = times_faster(
            lambda: MAKE[name](1, SCENES, *known).drawn(),
            lambda: [encoder(part) for part in pixels.split(64)],
            rounds=3,
        )
    record(f"{name}: encoding / drawing", ratio)
