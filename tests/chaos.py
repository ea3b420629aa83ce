"""The work that a chaos test kills: each part writes into a folder of its own.

Run again, a part goes on where it was killed. It imports what it needs when it starts,
so that a fork server can have it imported before.
"""

import json
from dataclasses import replace as with_fields
from pathlib import Path

import numpy as np
import torch

from tests.conftest import SAMPLES, TINY_LANGUAGE, TINY_VISION
from vlmcore.config import PoolConfig, QueCCConfig, VLMConfig, replace
from vlmcore.course import batch
from vlmcore.course.reports import Grade, QuestionGrade
from vlmcore.data.samples import tokenize
from vlmcore.evaluation.benchmarks import evaluate
from vlmcore.evaluation.sources import load_benchmark
from vlmcore.experiments import sweep
from vlmcore.experiments.pretraining import curriculum
from vlmcore.experiments.runner import SECONDS
from vlmcore.experiments.suites.grid import GRID_SIZES, grid_run
from vlmcore.experiments.tasks import synthetic
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.models.language import word_tokenizer
from vlmcore.models.vlm import VLM
from vlmcore.training import StageConfig, TrainingConfig, TrainingData, fit

QUIET = {"progress": False, "accelerator": "cpu"}
BENCHMARKS = Path(__file__).parent / "data" / "benchmarks" / "files"
WORDS = word_tokenizer(f"{sample.question} {sample.answer}" for sample in SAMPLES)
IMAGES = np.random.default_rng(0).integers(0, 256, (900, 3, 24, 24), dtype=np.uint8)


def model(seed=0, compressor=None):
    torch.manual_seed(seed)
    sizes = replace(TINY_LANGUAGE, vocab_size=len(WORDS))
    sees = compressor or QueCCConfig(heads=2)
    return VLM.from_config(VLMConfig(sizes, 4, sees, TINY_VISION), WORDS).eval()


def features(folder):
    """Three files for each of four sets of images."""
    vision = model().vision
    for part in np.split(IMAGES, 4):
        FeatureStore(vision, part, folder, batch_size=5, attention=True)


def training(folder):
    data = TrainingData(tokenize(SAMPLES, WORDS, "image_first"), IMAGES[:3])
    config = TrainingConfig(StageConfig(25, 1e-3, 3), StageConfig(25, 1e-3, 3), seed=3)
    fit(model(), data, config, folder, checkpoint_every=3, **QUIET)


def saving(folder):
    """A model over another one, again and again; never a mixture of both."""
    for turn in range(12):
        if (folder / "vlm" / "config.json").exists():
            VLM.from_pretrained(folder / "vlm")
        model(turn % 2, PoolConfig() if turn % 2 else None).save_pretrained(
            folder / "vlm"
        )


def evaluating(folder):
    benchmark = load_benchmark("pope", BENCHMARKS)
    evaluate(model(), benchmark, folder / "answers.jsonl", batch_size=1)


def sweeping(folder):
    """The runs of a sweep in this process: pre-training, features, training, result."""
    synthetic.TRAIN_SCENES, synthetic.FAMILY_TEST_SCENES = 16, 12
    curriculum.CURRICULUM_SCENES = 40
    short, size = StageConfig(8, 1e-3, 4), GRID_SIZES[0]
    training = TrainingConfig(short, short)
    runs = [
        with_fields(
            grid_run("ocr", size, QueCCConfig(), v), text=short, training=training
        )
        for v in (1, 4)
    ]
    job = sweep.Job(folder / "results", folder / "work", "a test")
    for run in sweep.pending(runs, job.results):
        job.pretrain(run)
        job.run([run])


def reporting(folder):
    for turn in range(40):
        questions = [QuestionGrade("q1", 1, 2, "no " * 99)]
        grade = Grade("a1", "ada", f"{turn}.ipynb", turn, 40, {}, questions)
        batch._write(folder, f"student-{turn % 4}", grade, "printed")


PARTS = {
    part.__name__: part
    for part in (features, training, saving, evaluating, sweeping, reporting)
}


def do(name, folder, started):
    torch.set_num_threads(1)
    started.set()
    PARTS[name](folder)


def contents(folder):
    """All files as bytes, without logs, times and what a killed writer left."""
    found = {}
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder).as_posix()
        if path.is_dir() or "csv/" in place or place.startswith("."):
            continue
        if "/." in place or path.suffix == ".ckpt" or path.name == SECONDS:
            continue
        data = path.read_bytes()
        if path.parent.name == "results":
            data = {**json.loads(data), "seconds": None}
        found[place] = data
    return found
