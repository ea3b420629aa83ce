"""`vlmcore train`, killed by SIGKILL, goes on and ends as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch

from tests.training.test_recipes import invoke, trained
from vlmcore.models.vlm import VLM


@pytest.mark.slow
def test_the_command_killed_in_either_stage_ends_with_the_same_files(
    recipe_file, tmp_path
):
    text = recipe_file.read_text().replace("epochs = 2", "epochs = 40")
    recipe_file.write_text(text)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish(start(recipe_file, whole))
    for stage in ("align", "tune"):
        kill_after_a_checkpoint(start(recipe_file, killed), killed, stage, step=20)
    finish(start(recipe_file, killed))
    for stage in ("align", "tune"):
        log = sorted(killed.glob(f"{stage}/csv/*/metrics.csv"))[-1]
        assert pd.read_csv(log)["step"].min() >= 20, "it goes on from a checkpoint"
        name = f"{stage}.safetensors"
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    for path in (whole / "model").glob("**/*.*"):
        again = killed / path.relative_to(whole)
        assert again.read_bytes() == path.read_bytes(), path


@pytest.mark.slow
def test_two_shards_that_are_killed_train_what_one_device_would(recipe_file, tmp_path):
    """Sharded with `fully_shard`, a user's command is killed by SIGKILL in stage 2."""
    text = recipe_file.read_text().replace("micro_batch = 2", "micro_batch = 1")
    sharded = tmp_path / "sharded.toml"
    sharded.write_text(text.replace("devices = 1", "devices = 2"))
    assert invoke(recipe_file, "--out", tmp_path / "one").exit_code == 0
    out = tmp_path / "two"
    kill_after_a_checkpoint(start(sharded, out), out, "tune")
    output = finish(start(sharded, out))
    assert output.count("quecc, V = 4") == 1  # the first process alone prints
    one, two = trained(tmp_path / "one"), trained(out)
    for stage, tensors in one.items():
        for name, x in tensors.items():
            torch.testing.assert_close(x, two[stage][name], atol=2e-3, rtol=0)
    VLM.from_pretrained(out / "model")


SAVES = "--checkpoint-every", "2"


def start(recipe, out):
    path = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-m", "vlmcore", "train", recipe, "--out", out, *SAVES],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def finish(process):
    output = process.communicate()[0].decode()
    assert process.returncode == 0, output
    return output


def kill_after_a_checkpoint(process, out, stage, step=0):
    """Kills a command by SIGKILL as soon as a stage has saved this step."""
    checkpoint = out / stage / "resume.ckpt"
    while process.poll() is None and saved(checkpoint) < step:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "the run ended before it was killed"


def saved(checkpoint):
    """The step of a checkpoint; -1 if there is none."""
    try:
        return torch.load(checkpoint, weights_only=True)["global_step"]
    except FileNotFoundError:
        return -1
