"""Training of the grid: two workers beside one, a step beside its matrix products."""

import multiprocessing
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.performance.conftest import seconds
from vlmcore.config import QueCCConfig, replace
from vlmcore.data.samples import Tokens, tokenize
from vlmcore.data.synthetic.vocabulary import SCENE_WORDS, TEXT_WORDS
from vlmcore.experiments.suites.grid import GRID_SIZES, grid_run
from vlmcore.experiments.tasks import synthetic
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.models.language import LanguageModel, word_tokenizer
from vlmcore.models.vision import VisionEncoder
from vlmcore.models.vlm import VLM
from vlmcore.training import TrainingConfig, TrainingData, fit
from vlmcore.training.trainer import StageConfig

ROUNDS, WARM, SCENES = 5, 2, 64


class Clocked(Tokens):
    """Samples that note when a batch is asked for, by the clock and in CPU seconds."""

    noted: ClassVar[list[tuple[float, float]]] = []
    start: ClassVar[Any] = None
    """Where all workers meet when they are warm, if there are several."""

    def batch(self, rows):
        if self.start is not None and len(self.noted) == WARM:
            self.start.wait(timeout=120)
        self.noted.append((time.perf_counter(), time.process_time()))
        return super().batch(rows)


class Cell:
    """A cell of the grid on few images, its language model not pre-trained."""

    def __init__(self, run):
        torch.set_num_threads(1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(synthetic, "TRAIN_SCENES", SCENES)
            scenes = synthetic.family_scenes(run.task, test=False)
        tokenizer = word_tokenizer([*SCENE_WORDS, *TEXT_WORDS])
        encoder = VisionEncoder.from_pretrained()
        language = LanguageModel.from_config(
            replace(run.model.language, vocab_size=len(tokenizer)), tokenizer
        )
        tokens = tokenize(scenes.samples, tokenizer, run.model.order)
        with tempfile.TemporaryDirectory() as folder:  # the open file outlives its name
            features = FeatureStore(encoder, scenes.drawn(), folder)
        self.data = TrainingData(Clocked(*tokens), features)
        self.vlm = VLM.from_parts(run.model, encoder, language)
        self.tune = run.training.tune

    def step(self, steps):
        """Mean seconds of a step after the warm-up, by the clock and of the CPU."""
        config = TrainingConfig(
            align=StageConfig(0, 1e-3), tune=replace(self.tune, steps=WARM + steps + 1)
        )
        Clocked.noted.clear()
        with tempfile.TemporaryDirectory() as folder:
            fit(self.vlm, self.data, config, folder, progress=False, accelerator="cpu")
        first, last = np.array(Clocked.noted)[[WARM, WARM + steps]]
        return tuple((last - first) / steps)

    def flops(self):
        """Operations of a step forward and backward, as torch counts them."""
        rows = torch.arange(self.tune.batch_size)
        batch = super(Clocked, self.data.tokens).batch(rows)
        self.vlm.requires_grad_(True).vision.requires_grad_(False)
        with FlopCounterMode(display=False) as counter:
            self.vlm(batch, self.data.features[batch.image]).loss.backward()
        return counter.get_total_flops()


def begin(workers):
    """Makes a worker's cell, once."""
    global cell, meeting
    cell, meeting = Cell(grid_run("ocr", GRID_SIZES[2], QueCCConfig(), 16)), workers


def speed(together):
    """Steps per second of a worker; `together` from when all workers are warm."""
    Clocked.start = meeting if together else None
    return 1 / cell.step(steps=15)[0]


def free_cores():
    """Cores that were idle for a second, by the fourth counter of /proc/stat."""

    def ticks():
        return np.array(Path("/proc/stat").read_text().split()[1:9], float)

    before = ticks()
    time.sleep(1)
    spent = ticks() - before
    return spent[3] / spent.sum() * os.cpu_count()


def bench_two_workers_beside_one(record):
    """By the clock, so it needs two cores that nothing else uses."""
    if (free := free_cores()) < 1.8:
        pytest.skip(f"two workers need two free cores, and {free:.1f} are free")
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, spawn, begin, (spawn.Barrier(2),)) as pool:
        list(pool.map(speed, [True, True]))  # both workers are there
        gains = [
            sum(pool.map(speed, [True, True])) / next(pool.map(speed, [False]))
            for _ in range(ROUNDS)
        ]
    record("training: steps of two workers / of one", float(np.median(gains)))


def bench_the_largest_model_beside_matrix_products(record):
    cell = Cell(grid_run("ocr", GRID_SIZES[-1], QueCCConfig(), 36))
    flops, factor = cell.flops(), torch.randn(1024, 1024)

    def products():
        for _ in range(10):
            torch.mm(factor, factor)

    peaks = 10 * 2 * len(factor) ** 3
    rates = [
        (flops / cell.step(steps=6)[1]) / (peaks / seconds(products))
        for _ in range(ROUNDS)
    ]
    record("training: FLOP/s of a step / of products", float(np.median(rates)))
