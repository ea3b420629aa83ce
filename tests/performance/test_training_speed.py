"""How fast the grid trains: two workers beside one, and a worker beside the matrix products that its processor can do.

Everything is measured in turns within one run, five times, so that a noisy machine
slows all of it alike.
"""

import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from vlmcore.config import QueCCConfig, replace
from vlmcore.data.samples import Tokens, tokenize
from vlmcore.data.synthetic.vocabulary import SCENE_WORDS, TEXT_WORDS
from vlmcore.experiments import tasks
from vlmcore.experiments.suites.grid import GRID_SIZES, grid_run
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.models.language import LanguageModel, word_tokenizer
from vlmcore.models.vision import VisionEncoder
from vlmcore.models.vlm import VLM
from vlmcore.training import TrainingConfig, TrainingData, fit
from vlmcore.training.trainer import StageConfig

pytestmark = pytest.mark.slow

ROUNDS, WARM, SCENES = 5, 2, 64


class Clocked(Tokens):
    """Samples that note when each batch of them is asked for, by the clock and in seconds of this process: between two lies a step."""

    noted: ClassVar[list[tuple[float, float]]] = []
    start: ClassVar[Any] = None
    """Where all workers meet when they are warm, if there are several."""

    def batch(self, rows):
        if self.start is not None and len(self.noted) == WARM:
            self.start.wait(timeout=120)
        self.noted.append((time.perf_counter(), time.process_time()))
        return super().batch(rows)


class Cell:
    """A cell of the grid on few images, with a language model that has not been to school: its steps take as long as any other's."""

    def __init__(self, run):
        torch.set_num_threads(1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tasks, "TRAIN_SCENES", SCENES)
            scenes = tasks.family_scenes(run.task, test=False)
        tokenizer, encoder = (
            word_tokenizer([*SCENE_WORDS, *TEXT_WORDS]),
            VisionEncoder.from_pretrained(),
        )
        language = LanguageModel.from_config(
            replace(run.model.language, vocab_size=len(tokenizer)), tokenizer
        )
        with (
            tempfile.TemporaryDirectory() as folder
        ):  # the features stay open when their file has no name any more
            self.data = TrainingData(
                Clocked(*tokenize(scenes.samples, tokenizer, run.model.order)),
                FeatureStore(encoder, scenes.drawn(), folder),
            )
        self.vlm, self.tune = (
            VLM.from_parts(run.model, encoder, language),
            run.training.tune,
        )

    def seconds(self, steps):
        """Seconds of one step of tuning, the mean over `steps` that follow some to warm up: by the clock, and of this process."""
        config = TrainingConfig(
            align=StageConfig(0, 1e-3), tune=replace(self.tune, steps=WARM + steps + 1)
        )
        Clocked.noted.clear()
        with tempfile.TemporaryDirectory() as folder:
            fit(self.vlm, self.data, config, folder, progress=False, accelerator="cpu")
        return tuple(
            (np.array(Clocked.noted[WARM + steps]) - Clocked.noted[WARM]) / steps
        )

    def flops_of_a_step(self):
        """Operations forward and backward, as torch counts them."""
        batch = super(Clocked, self.data.tokens).batch(
            torch.arange(self.tune.batch_size)
        )
        self.vlm.requires_grad_(True).vision.requires_grad_(False)
        with FlopCounterMode(display=False) as counter:
            self.vlm(batch, self.data.features[batch.image]).loss.backward()
        return counter.get_total_flops()


def begin(workers):
    """Makes a worker's cell, once."""
    global cell, meeting
    cell, meeting = Cell(grid_run("ocr", GRID_SIZES[2], QueCCConfig(), 16)), workers


def steps_per_second(together):
    """Of one worker by the clock; if `together`, from the moment at which all workers are warm."""
    Clocked.start = meeting if together else None
    return 1 / cell.seconds(steps=15)[0]


def free_cores(seconds=1.0):
    """Cores that nobody used in the last second."""

    def ticks():
        return np.array(Path("/proc/stat").read_text().split()[1:9], float)

    before = ticks()
    time.sleep(seconds)
    spent = ticks() - before
    return spent[3] / spent.sum() * os.cpu_count()  # the fourth is idle time


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="free cores are counted in /proc"
)
def test_two_workers_do_nearly_twice_the_steps_of_one(capsys):
    if free_cores() < 1.8:
        pytest.skip("two workers need two cores that nothing else uses")
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, spawn, begin, (spawn.Barrier(2),)) as pool:
        list(pool.map(steps_per_second, [True, True]))  # both workers are there
        alone, both = np.array(
            [
                (
                    next(pool.map(steps_per_second, [False])),
                    sum(pool.map(steps_per_second, [True, True])),
                )
                for _ in range(ROUNDS)
            ]
        ).T
    gain = float(np.median(both / alone))
    with capsys.disabled():
        print(
            f"\none worker {np.median(alone):.1f} steps/s, two {np.median(both):.1f}: "
            f"{gain:.2f} times as many",
            end=" ",
        )
    assert gain >= 1.7


def test_the_largest_model_trains_at_a_good_share_of_the_speed_of_matrix_products(
    capsys,
):
    """The share hangs on the processor: .54 where products reach 113 GFLOP/s, .25 where they reach 176 and the rest is no faster.

    Seconds of the process are those of the clock while the core is free; what else runs
    does not enter them.
    """
    cell, factor = (
        Cell(grid_run("ocr", GRID_SIZES[-1], QueCCConfig(), 36)),
        torch.randn(1024, 1024),
    )
    flops = cell.flops_of_a_step()

    def peak():
        start = time.process_time()
        for _ in range(10):
            torch.mm(factor, factor)
        return 10 * 2 * len(factor) ** 3 / (time.process_time() - start)

    rates = np.array(
        [(flops / cell.seconds(steps=6)[1], peak()) for _ in range(ROUNDS)]
    )
    share = float(np.median(rates[:, 0] / rates[:, 1]))
    with capsys.disabled():
        print(
            f"\n{np.median(rates[:, 0]) / 1e9:.1f} of "
            f"{np.median(rates[:, 1]) / 1e9:.1f} GFLOP/s: {share:.0%}",
            end=" ",
        )
    assert share >= 0.18
    if (
        share < 0.45
    ):  # what is wanted; a pass would hide that it is not reached on this processor
        pytest.xfail(f"{share:.0%} of the speed of matrix products, 45 % are wanted")
