"""Sharded and replicated training: the weights of one device, whole when it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.conftest import SHORT, weights
from vlmcore.training import fit
from vlmcore.training.sharding import fsdp1_strategy, plain_name, shard, whole_tensor

SCRIPT = """\
import os, sys
from pathlib import Path
import torch
from tests.conftest import *
from vlmcore.models.language import word_tokenizer
from vlmcore.training import StageConfig, TrainingConfig, TrainingData, fit
from vlmcore.training.sharding import sharding_strategy
folder, kind, dtype = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.set_num_threads(1)
torch.manual_seed(0)
words = word_tokenizer(f"{s.question} {s.answer}" for s in SAMPLES)
language = LanguageConfig(**{**vars(TINY_LANGUAGE), "vocab_size": len(words)})
config = VLMConfig(language, 4, QueCCConfig(heads=2), TINY_VISION)
vlm = VLM.from_config(config, words).to(getattr(torch, dtype))
images = np.random.default_rng(0).integers(0, 256, (3, 3, 24, 24), dtype=np.uint8)
samples = [s._replace(image=i % 3) for i, s in enumerate(SAMPLES * 2)]
data = TrainingData(tokenize(samples, words, "image_first"), images)
stages = TrainingConfig(StageConfig(3, 1e-2, 8), StageConfig(4, 1e-3, 8), seed=3)
spread = {
    "one": {},
    "1x8": {"accumulate_grad_batches": 8},
    "2x4": {"devices": 2, "strategy": "ddp", "accumulate_grad_batches": 4},
    "sharded": {"devices": 2, "strategy": sharding_strategy(2)},
}[kind]
options = {"progress": False, "accelerator": "cpu", "checkpoint_every": 2}
fit(vlm, data, stages, folder / "run", **options, **spread)
if int(os.environ.get("LOCAL_RANK", "0")) == 0:
    vlm.save_pretrained(folder / "model")
    torch.save(VLM.from_pretrained(folder / "model").state_dict(), folder / "whole.pt")
"""


def train(folder, kind, dtype="float64"):
    """The weights that a run exports, read again."""
    folder.mkdir()
    script = folder / "train.py"  # further processes start it again
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script, folder, kind, dtype],
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return torch.load(folder / "whole.pt", weights_only=True)


def test_a_model_is_not_copied_where_nothing_is_sharded(make_vlm):
    vlm = make_vlm()
    assert shard(vlm, None) is vlm
    assert plain_name("model._fsdp_wrapped_module.norm") == "model.norm"
    assert torch.equal(whole_tensor(vlm.vision.mean), vlm.vision.mean)


@pytest.mark.slow
def test_devices_and_micro_batches_train_the_same_weights(tmp_path):
    """In float64 to 1e-5: one device at once, 1 x 8, 2 x 4, and two shards."""
    one = train(tmp_path / "one", "one")
    for kind in ("1x8", "2x4", "sharded"):
        other = train(tmp_path / kind, kind)
        for name, x in one.items():
            torch.testing.assert_close(x, other[name], atol=1e-5, rtol=0, msg=kind)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_lightnings_fsdp_exports_whole_weights(make_vlm, data, tmp_path):
    vlm = make_vlm()
    before, strategy = weights(vlm), fsdp1_strategy(vlm)
    fit(vlm, data, SHORT, tmp_path, progress=False, devices=1, strategy=strategy)
    after = weights(vlm)
    assert before.keys() == after.keys()
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    assert any(name.startswith("compressor.") for name in changed)
    assert any(name.startswith("language.") for name in changed)
    assert not any(name.startswith("vision.") for name in changed)
