"""Memory of training: the estimate beside the peak of a process that trains.

Each training is above 1 GB, in a process of its own, whose resident size before the
model is subtracted. The C library is set to return what is freed: by itself it keeps
pieces of up to 32 MB, and full tuning then peaks half as high again.
"""

import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import SAMPLES
from vlmcore.config import LanguageConfig, LoRAConfig, PoolConfig, VLMConfig
from vlmcore.cost import Spread, Texts, training_memory
from vlmcore.data.samples import IGNORE, tokenize
from vlmcore.models.language import word_tokenizer
from vlmcore.models.vlm import VLM
from vlmcore.training import StageConfig, TrainingConfig, TrainingData, fit

LANGUAGE = LanguageConfig(16384, 640, 12, 10, mlp_width=1728)
"""70 million parameters."""
ROWS = 4


class Case:
    """A training of two steps: the second one has moments, gradients, activations."""

    def __init__(self, stage, words, lora=None, half=False):
        self.stage, self.lora, self.half = stage, lora, half
        self.question = "is there red? " * (words // 4)

    def peak(self):
        """Bytes at the peak beyond those before the model, and their estimate."""
        torch.set_num_threads(1)
        words = word_tokenizer(f"{x.question} {x.answer}" for x in SAMPLES)
        samples = [x._replace(question=self.question) for x in SAMPLES[:2]] * 2
        tokens = tokenize(samples, words, "image_first")
        images = np.zeros((3, 3, 72, 72), dtype=np.uint8)
        torch.randn(99, 99) @ torch.randn(99, 99)  # loads the library of products
        Path("/proc/self/clear_refs").write_text("5")  # the peak is that from here on
        before = resident("VmRSS")
        vlm = VLM.from_config(VLMConfig(LANGUAGE, 16, PoolConfig()), words)
        steps = {"align": 0, "tune": 0} | {self.stage: 2}
        stages = {name: StageConfig(n, 1e-4, ROWS) for name, n in steps.items()}
        precision = "bf16-mixed" if self.half else "32-true"
        with tempfile.TemporaryDirectory() as folder:
            fit(
                vlm,
                TrainingData(tokens, images),
                TrainingConfig(**stages, lora=self.lora),
                folder,
                precision=precision,
                progress=False,
                accelerator="cpu",
            )
        return resident("VmHWM") - before, self.estimate(vlm.config, tokens)

    def estimate(self, config, tokens):
        batch = tokens.batch(torch.arange(ROWS))
        labels = int((batch.labels != IGNORE).sum()) / ROWS
        texts = Texts(int(batch.length.max()), labels, int(batch.question_length.max()))
        spread = Spread(micro_batch=ROWS, half=self.half)
        return training_memory(config, self.stage, texts, spread, self.lora).total


def resident(field):
    """A number of bytes in /proc, such as the resident size or its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(field))
    return 1024 * int(line.split()[1])


CASES = {
    "full tuning": Case("tune", 240),
    "full tuning in bf16": Case("tune", 240, half=True),
    "LoRA": Case("tune", 480, LoRAConfig(rank=8)),
    "stage 1": Case("align", 480),
}


@pytest.mark.parametrize("name", CASES)
def bench_memory_of_training_beside_its_estimate(record, monkeypatch, name):
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", str(2**17))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn) as pool:
        peak, estimate = pool.submit(CASES[name].peak).result()
    assert min(peak, estimate) > 1e9
    print(f"{name}: {peak / 1e9:.2f} GB at the peak, {estimate / 1e9:.2f} estimated")
    closeness = min(peak / estimate, estimate / peak)
    record(f"memory of {name}: the smaller / the larger of peak, estimate", closeness)
