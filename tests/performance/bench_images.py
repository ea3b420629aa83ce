"""Preparing POPE's images beside decoding one for every question.

500 generated JPEGs of 640 x 480 pixels, 18 questions about each in three passes as in
POPE's splits, and a stand-in for a model that takes 10 ms a question.
"""

import os
import time
from functools import partial

import numpy as np
import pytest
from PIL import Image, ImageFilter

from tests.performance.conftest import seconds
from vlmcore.data.benchmarks.question import Question
from vlmcore.evaluation.image_loading import (
    ImageLoader,
    open_image,
    square_pixels,
)
from vlmcore.fingerprint import fingerprint
from vlmcore.models.images import CLIP_COLOUR, to_pixels

IMAGES, ROUNDS, TOGETHER, BATCH, SIZE = 500, 3, 6, 16, 336
MEASURED = 300
"""Questions after which the time of one image for each is known well enough."""


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("coco"), np.random.default_rng(0)
    for i in range(IMAGES):
        small = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
        blurred = small.resize((640, 480), 3).filter(ImageFilter.BoxBlur(2))
        noise = rng.integers(-9, 10, (480, 640, 3))
        pixels = np.clip(np.asarray(blurred) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.jpg", quality=90)
    return [
        Question(f"{split}/{i}/{n}", "?", folder / f"{i}.jpg", ("yes",), "all", "f")
        for split in range(ROUNDS)
        for i in range(IMAGES)
        for n in range(TOGETHER)
    ]


def one_for_each(questions):
    for question in questions:
        fingerprint(question.image.read_bytes())
        to_pixels(open_image(question), SIZE, CLIP_COLOUR)


def waiting(questions, workers, answer=0.0):
    """Prepares all batches and returns the share of time that the model waits.

    The start of the workers counts. The stand-in for a model computes, as long as its
    own clock says: where other programs slow down the workers, they slow it down, too.
    """
    prepare = partial(square_pixels, size=SIZE, padding=CLIP_COLOUR)
    with ImageLoader(prepare, workers) as loader:
        start = time.perf_counter()
        for batch, loaded in loader.batches(questions, BATCH):
            np.concatenate([one.image for one in loaded])
            end = time.thread_time() + answer * len(batch)
            while time.thread_time() < end:
                pass
        return loader.waited / (time.perf_counter() - start)


def bench_images_are_prepared_once(record, questions):
    usual = seconds(lambda: one_for_each(questions[:MEASURED])) / MEASURED
    ours = seconds(lambda: waiting(questions, 0)) / len(questions)
    record("images: one for each question / each once", usual / ours)


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="two workers need two cores")
def bench_the_model_hardly_waits_for_images(record, questions):
    waits = waiting(questions, 2, answer=0.01)
    record("images: time of the model / waiting for images", (1 - waits) / waits)
