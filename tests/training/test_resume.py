"""A run that is interrupted or killed ends with the weights of an undisturbed one."""

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.conftest import QUIET, SHORT, Calls, StopError, same, weights
from vlmcore.config import MQTConfig, QueCCConfig
from vlmcore.training import StageConfig, fit
from vlmcore.training.module import Stage
from vlmcore.training.steps import StepData
from vlmcore.training.trainer import run


@pytest.mark.parametrize(("stage", "stop"), [("align", 4), ("tune", 11)])
@pytest.mark.parametrize(
    "compressor", [QueCCConfig(heads=2), MQTConfig(9, 2)], ids=["quecc", "mqt"]
)
def test_an_interrupted_run_ends_with_the_same_weights(
    make_vlm, data, tmp_path, compressor, stage, stop
):
    """MQT draws a V in every step of stage 2."""
    alone = fit(make_vlm(compressor), data, SHORT, tmp_path / "alone", **QUIET)
    broken, folder = make_vlm(compressor), tmp_path / "broken"
    Calls.of(broken, stop=stop)
    with pytest.raises(StopError):
        fit(broken, data, SHORT, folder, checkpoint_every=2, **QUIET)
    assert (folder / stage / "resume.ckpt").exists()
    vlm = fit(make_vlm(compressor), data, SHORT, folder, checkpoint_every=2, **QUIET)
    assert same(weights(alone), weights(vlm))
    assert not [*folder.rglob("*.ckpt"), *folder.rglob("*.partial*")]


def test_a_step_reads_and_draws_what_its_number_says(tmp_path):
    """With dropout: the random numbers of a resumed run are the undisturbed ones."""

    def train(folder, stop=None):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.5))
        seen = []

        def make(step):
            if step == stop:
                raise StopError
            return torch.full((2, 4), float(step + 1))

        def loss(model, batch):
            seen.append(batch[0, 0].item())
            return model(batch).square().mean()

        stage = Stage(model, loss, StageConfig(9, 1e-2, 2), seed=1)
        with contextlib.suppress(StopError):
            run(stage, StepData(make, None), 9, folder, checkpoint_every=3, **QUIET)
        return weights(model), seen

    undisturbed, _ = train(tmp_path / "a")
    train(tmp_path / "b", stop=7)
    torch.manual_seed(99)  # whatever the state of the random numbers
    resumed, seen = train(tmp_path / "b")
    assert seen == [7, 8, 9]
    assert same(undisturbed, resumed)


TRAIN = """
import sys
import numpy as np, torch
torch.set_num_threads(1)
from tests.conftest import SAMPLES, TINY_LANGUAGE, TINY_VISION
from vlmcore.config import QueCCConfig, VLMConfig, replace
from vlmcore.data.samples import tokenize
from vlmcore.models.language import word_tokenizer
from vlmcore.models.vlm import VLM
from vlmcore.training import StageConfig, TrainingConfig, TrainingData, fit

torch.manual_seed(0)
words = word_tokenizer(f"{sample.question} {sample.answer}" for sample in SAMPLES)
language = replace(TINY_LANGUAGE, vocab_size=len(words))
vlm = VLM.from_config(VLMConfig(language, 4, QueCCConfig(heads=2), TINY_VISION), words)
images = np.random.default_rng(0).integers(0, 256, (3, 3, 24, 24), dtype=np.uint8)
data = TrainingData(tokenize(SAMPLES, words, "image_first"), images)
config = TrainingConfig(StageConfig(150, 1e-3, 3), StageConfig(150, 1e-3, 3), seed=3)
options = {"checkpoint_every": 10, "progress": False, "accelerator": "cpu"}
fit(vlm, data, config, sys.argv[1], **options)
"""


def start(folder):
    command = [sys.executable, "-c", TRAIN, str(folder)]
    return subprocess.Popen(command, cwd=Path.cwd(), stderr=subprocess.PIPE)


def kill_after(process, folder, checkpoints, seconds):
    """Kills a run some time after some checkpoints; returns whether it still ran."""

    def written():
        return [path.stat().st_mtime_ns for path in folder.glob("*/resume.ckpt")]

    seen, last = 0, written()
    while process.poll() is None and seen < checkpoints:
        time.sleep(0.002)
        # a stage that has just ended removes its checkpoint
        with contextlib.suppress(FileNotFoundError):
            if (now := written()) != last:
                seen, last = seen + 1, now
    time.sleep(seconds)
    if process.poll() is not None:
        return False
    process.send_signal(signal.SIGKILL)
    return True


@pytest.mark.slow
def test_a_run_killed_at_random_moments_ends_with_the_same_files(tmp_path):
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    process = start(alone)
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    assert errors == b"", "Lightning has no advice to give"

    rng, kills = np.random.default_rng(0), 0
    while not (killed / "tune.safetensors").exists():
        process = start(killed)
        if kills < 2:
            checkpoints, seconds = rng.integers(1, 6), rng.uniform(0, 0.05)
            kills += kill_after(process, killed, checkpoints, seconds)
        process.communicate()
        assert process.returncode in (0, -signal.SIGKILL)
    assert kills >= 1, "the run was never killed: nothing was tested"
    for name in ("align.safetensors", "tune.safetensors"):
        assert (killed / name).read_bytes() == (alone / name).read_bytes()
