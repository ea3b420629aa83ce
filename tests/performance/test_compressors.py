"""Full-size compressors on a CPU, eight images at a time: how long beside their own large matrix products, and how much memory.

The table is printed as it is measured. Forward pass and products take turns, so that a
busy machine slows both alike.
"""

import ctypes
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from vlmcore.config import (
    CLIP_L_336,
    M3Config,
    MLPConfig,
    MQTConfig,
    PoolConfig,
    PruMergeConfig,
    QueCCConfig,
    TokenPackerConfig,
)
from vlmcore.models.compressors import COMPRESSORS
from vlmcore.models.vision import VisionFeatures

pytestmark = pytest.mark.slow

B, P, D, E, LEVELS = 8, 576, 1024, 4096, 4
ROUNDS = 3


def projector(rows):
    return [(rows, D, E), (rows, E, E)]


def regions(v):
    """Keys and values by two layers each, then the heads' projections of keys, values, queries and outputs."""
    return (
        2 * [(B * P, LEVELS * D, D), (B * P, D, D)]
        + 2 * [(B * P, D, D)]
        + 2 * [(B * v, D, D)]
    )


def products(name, v):
    """The matrix products of a forward pass, (rows, inner, columns)."""
    return {
        "mlp": projector(B * P),
        "m3": projector(B * P),
        "mqt": 2 * [(B * P, D, D)] + 2 * [(B * v, D, D)] + [(B * v, D, E)],
        "tokenpacker": [(B * v, D, D), *regions(v), *projector(B * v)],
        "quecc": [
            (B, E, D),
            (B * P, D, D),
            (B * P, D, D),
            *regions(v),
            *projector(B * v),
        ],
    }[name]


@pytest.fixture(scope="module")
def seen():
    torch.manual_seed(0)
    return VisionFeatures(
        torch.randn(B, P, LEVELS, D),
        torch.randn(B, P + 1).softmax(1)[:, 1:],
        torch.randn(B, P, D),
    )


def build(config, v):
    return COMPRESSORS[config.name](config, CLIP_L_336, E, v).eval()


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def peak_megabytes(call):
    """Memory that a call needs at its peak beyond what is there already; the kernel keeps the mark, and lets a process reset its own."""
    ctypes.CDLL(None).malloc_trim(
        0
    )  # what earlier calls left in the heap would be used again, and not be counted
    Path("/proc/self/clear_refs").write_text("5")

    def status(key):
        return (
            int(Path("/proc/self/status").read_text().split(f"{key}:")[1].split()[0])
            / 1e3
        )

    before = status("VmRSS")
    call()
    return status("VmHWM") - before


def say(capsys, config, v, taken, memory, beside=""):
    with capsys.disabled():
        print(
            f"\n{config.name:12} V = {v:3}: {taken:6.3f} s for {B} images{beside}, "
            f"{memory:4.0f} MB at the peak",
            end=" ",
        )


CASES = [(MLPConfig(), P)] + [
    (c, v)
    for c in (M3Config(), MQTConfig(), TokenPackerConfig(8), QueCCConfig(8))
    for v in (1, 36)
]


@pytest.mark.parametrize(("config", "v"), CASES, ids=str)
def test_forward_takes_less_than_twice_its_large_matrix_products(
    capsys, seen, config, v
):
    compressor, question = build(config, v), torch.randn(B, E)
    factors = {
        shape: (torch.randn(shape[:2]), torch.randn(shape[1:]))
        for shape in products(config.name, v)
    }

    def multiply():
        for shape in products(config.name, v):
            torch.mm(*factors[shape])

    with torch.inference_mode():
        memory = peak_megabytes(
            lambda: compressor(seen, question)
        )  # the first pass is also the warm-up
        times = np.array(
            [
                (seconds(lambda: compressor(seen, question)), seconds(multiply))
                for _ in range(ROUNDS)
            ]
        )
    whole, alone = np.median(times, axis=0)
    say(capsys, config, v, whole, memory, f", {whole / alone:.2f} times its products")
    assert whole < 2 * alone
    assert memory < 3 * B * P * E * 4 / 1e6 + 50, (
        "a few maps of all patches in the width of the language model"
    )


@pytest.fixture(scope="module")
def every_patch(seen):
    """Seconds to project all patches."""
    mlp = build(MLPConfig(), P)
    with torch.inference_mode():
        return np.median([seconds(lambda: mlp(seen)) for _ in range(ROUNDS)])


@pytest.mark.parametrize("v", [1, 36])
@pytest.mark.parametrize("config", [PoolConfig(), PruMergeConfig()], ids=str)
def test_pooling_and_merging_take_a_fraction_of_projecting_every_patch(
    capsys, seen, every_patch, config, v
):
    compressor = build(config, v)
    with torch.inference_mode():
        memory = peak_megabytes(lambda: compressor(seen))
        taken = np.median(
            [seconds(lambda: compressor(seen)) for _ in range(2 * ROUNDS)]
        )
    say(capsys, config, v, taken, memory)
    assert 2 * taken < every_patch
