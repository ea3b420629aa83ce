"""A user's own Trainer on two processes: what one process sees, killed and resumed.

In single precision, the parts of a batch are summed in another order than the whole;
losses and outputs agree to 1e-5. Weights need not: a key's bias changes no attention.
Its gradient is rounding error alone, which Adam scales up to the learning rate.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from itertools import chain
from pathlib import Path

import pandas as pd
import pytest
import torch

from tests.training.conftest import same

SCRIPT = """\
from lightning.pytorch import Trainer, callbacks, seed_everything
from vlmcore.config import LanguageConfig, VLMConfig
from vlmcore.data import easyvqa, samples
from vlmcore.models import language, vlm as models
from vlmcore.training import StageConfig, TrainingData, VLMModule, VQADataModule
seed_everything(0, verbose=False)
split, stage = easyvqa.load("train"), StageConfig(30, 1e-3, batch_size=11)
words = language.word_tokenizer(f"{s.question} {s.answer}" for s in split.samples)
vlm = models.VLM.from_config(VLMConfig(LanguageConfig(len(words))), words)
data = samples.tokenize(split.samples, words, vlm.config.order), split.images
devices = {"devices": 2, "strategy": "ddp", "accelerator": "cpu"}
saved = callbacks.ModelCheckpoint("run", save_last=True, every_n_train_steps=5)
trainer = Trainer(**devices, accumulate_grad_batches=4, max_epochs=1, callbacks=saved)
data = VQADataModule(TrainingData(*data), stage, validation=TrainingData(*data))
trainer.fit(VLMModule(vlm, stage), datamodule=data, ckpt_path="last")
"""

RECORD = """\
import json, os, sys
from pathlib import Path
import torch
from vlmcore.data import easyvqa
from vlmcore.training import VLMModule
torch.set_num_threads(1)
load, train = easyvqa.load, VLMModule.training_step
def few(split):
    images, samples = load(split)
    return easyvqa.EasyVQASplit(images[:8], [s for s in samples if s.image < 8][:45])
def watched(self, batch, index):
    loss = train(self, batch, index)
    line = [self.trainer.global_step, batch.content.rows.tolist(), loss.item()]
    with open(f"steps-{self.trainer.global_rank}.jsonl", "a") as file:
        file.write(json.dumps(line) + "\\n")
    return loss
easyvqa.load, VLMModule.training_step = few, watched
names = {}
exec(Path("train.py").read_text(), names)
vlm, seen = names["vlm"].eval(), names["data"].validation.batch(torch.arange(45))
if os.environ.get("LOCAL_RANK", "0") == "0":
    torch.save(vlm.state_dict(), "weights.pt")
    with torch.no_grad():
        torch.save({"logits": vlm(seen.samples, seen.images).logits}, "outputs.pt")
"""
"""Runs the script on few samples; keeps what its steps read, weights and outputs."""


def start(folder, script=SCRIPT):
    folder.mkdir(exist_ok=True)
    (folder / "train.py").write_text(script)
    (folder / "record.py").write_text(RECORD)
    path = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "record.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def finish(process):
    output = process.communicate()[0].decode()
    assert process.returncode == 0, output
    return output


def steps(folder):
    """Rows and losses of each step, over all processes and micro-batches."""
    rows, losses = defaultdict(list), defaultdict(list)
    for file in folder.glob("steps-*.jsonl"):
        for line in file.read_text().splitlines():
            step, read, loss = json.loads(line)
            rows[step].append(read)
            losses[step].append(loss)
    return rows, losses


def read(folder, name):
    return torch.load(folder / f"{name}.pt", weights_only=True)


def kill_after_a_checkpoint(process, folder):
    while process.poll() is None and not (folder / "run" / "last.ckpt").exists():
        time.sleep(0.01)
    time.sleep(0.1)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "the run ended before it was killed"


@pytest.mark.slow
def test_a_users_trainer_on_two_processes_trains_what_one_would(tmp_path):
    assert len(SCRIPT.splitlines()) <= 15
    one = SCRIPT.replace('"devices": 2', '"devices": 1')
    whole = one.replace("accumulate_grad_batches=4", "accumulate_grad_batches=1")
    parts = one.replace("accumulate_grad_batches=4", "accumulate_grad_batches=8")
    finish(start(tmp_path / "whole", whole))
    finish(start(tmp_path / "parts", parts))
    output = finish(start(tmp_path / "two"))
    expected, losses = steps(tmp_path / "whole")
    for folder in (tmp_path / "parts", tmp_path / "two"):
        rows, parts = steps(folder)
        assert len(rows) == 30 and rows.keys() == expected.keys()
        for step, read_rows in rows.items():
            assert len(read_rows) == 8, "micro-batches of all processes"
            assert sorted(chain(*read_rows)) == sorted(expected[step][0])
            assert sum(parts[step]) / 8 == pytest.approx(losses[step][0], abs=1e-5)
        torch.testing.assert_close(
            read(folder, "outputs"),
            read(tmp_path / "whole", "outputs"),
            atol=1e-5,
            rtol=1e-5,
        )

    log = pd.read_csv(next((tmp_path / "two").glob("lightning_logs/*/metrics.csv")))
    assert log[["val_loss", "val_exact_match"]].notna().any().all()
    assert "many workers" not in output and "in eval mode at" not in output

    killed = tmp_path / "killed"
    kill_after_a_checkpoint(start(killed), killed)
    finish(start(killed))
    repeated = steps(killed)[0]
    assert len(repeated) == 30 and any(len(parts) == 8 for parts in repeated.values())
    assert same(read(tmp_path / "two", "weights"), read(killed, "weights"))
