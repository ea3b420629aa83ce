"""A sweep of cells that take seconds, on this machine or on a Ray cluster.

A process that gets the job imports this file, and so has small data, too.
"""

from pathlib import Path

from vlmcore.config import QueCCConfig, TokenPackerConfig, replace
from vlmcore.experiments import cluster, sweep
from vlmcore.experiments.pretraining import curriculum
from vlmcore.experiments.suites.grid import grid_run, language_size
from vlmcore.experiments.tasks import synthetic
from vlmcore.training import StageConfig, TrainingConfig

synthetic.TRAIN_SCENES, synthetic.FAMILY_TEST_SCENES = 16, 12
curriculum.CURRICULUM_SCENES = 40


class TinyJob(sweep.Job):
    """A job of this file."""


class SpoiledJob(TinyJob):
    """A language model cannot be made, nor can one of the runs with the other one."""

    def pretrain(self, config):
        if config.training.seed == 0:
            raise ValueError("there is no text")
        super().pretrain(config)

    def run(self, configs):
        if configs[0] == tiny_runs()[-1]:
            raise ValueError("there is no image")
        return super().run(configs)


def tiny_runs():
    short = StageConfig(8, 1e-3, 4)
    return [
        replace(
            grid_run("ocr", language_size(32), compressor, v),
            text=short,
            training=replace(TrainingConfig(short, short), seed=seed),
        )
        for seed in (0, 1)
        for compressor in (QueCCConfig(), TokenPackerConfig())
        for v in (1, 4)
    ]


def folders(folder):
    return Path(folder) / "results", Path(folder) / "work", "a test"


def locally(folder):
    sweep.run_pending(tiny_runs(), TinyJob(*folders(folder)), 2)


def on_ray(folder, address, job=TinyJob):
    cluster.run_on_cluster(tiny_runs(), job(*folders(folder)), address)
