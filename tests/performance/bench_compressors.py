"""Full-size compressors with eight images, beside their own large matrix products."""

import ctypes
from pathlib import Path

import pytest
import torch

from tests.performance.conftest import times_faster
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

B, P, D, E, LEVELS = 8, 576, 1024, 4096, 4
ONE_MAP = B * P * E * 4
"""Bytes of all patches in the width of the language model, in single precision."""


def projector(rows):
    return [(rows, D, E), (rows, E, E)]


def regions(v):
    """Keys and values by two layers each, then the heads' four projections."""
    return (
        2 * [(B * P, LEVELS * D, D), (B * P, D, D)]
        + 2 * [(B * P, D, D)]
        + 2 * [(B * v, D, D)]
    )


def products(name, v):
    """The matrix products of a forward pass, (rows, inner, columns)."""
    own = [*regions(v), *projector(B * v)]
    return {
        "mlp": projector(B * P),
        "m3": projector(B * P),
        "mqt": 2 * [(B * P, D, D)] + 2 * [(B * v, D, D)] + [(B * v, D, E)],
        "tokenpacker": [(B * v, D, D), *own],
        "quecc": [(B, E, D), *2 * [(B * P, D, D)], *own],
    }[name]


@pytest.fixture(scope="module")
def features():
    torch.manual_seed(0)
    return VisionFeatures(
        torch.randn(B, P, LEVELS, D),
        torch.randn(B, P + 1).softmax(1)[:, 1:],
        torch.randn(B, P, D),
    )


def build(config, v):
    return COMPRESSORS[config.name](config, CLIP_L_336, E, v).eval()


def peak_bytes(call):
    """Memory that a call needs at its peak beyond what is there already."""
    ctypes.CDLL(None).malloc_trim(0)  # memory that is used again would not be counted
    Path("/proc/self/clear_refs").write_text("5")  # resets the mark of this process

    def status(key):
        lines = Path("/proc/self/status").read_text()
        return int(lines.split(f"{key}:")[1].split()[0]) * 1024

    before = status("VmRSS")
    call()
    return status("VmHWM") - before


LEARNT = [M3Config(), MQTConfig(), TokenPackerConfig(8), QueCCConfig(8)]
CASES = [(MLPConfig(), P)] + [(config, v) for config in LEARNT for v in (1, 36)]


@pytest.mark.parametrize(("config", "v"), CASES, ids=str)
def bench_forward_beside_its_matrix_products(record, features, config, v):
    compressor, question = build(config, v), torch.randn(B, E)
    factors = {
        shape: (torch.randn(shape[:2]), torch.randn(shape[1:]))
        for shape in products(config.name, v)
    }

    def multiply():
        for shape in products(config.name, v):
            torch.mm(*factors[shape])

    def forward():
        compressor(features, question)

    case = f"{config.name}, V = {v}"
    with torch.inference_mode():
        record(f"{case}: map of all patches / memory", ONE_MAP / peak_bytes(forward))
        share = times_faster(forward, multiply, rounds=3)
    record(f"{case}: matrix products / forward", share)


@pytest.mark.parametrize("v", [1, 36])
@pytest.mark.parametrize("config", [PoolConfig(), PruMergeConfig()], ids=str)
def bench_reducing_beside_projecting_every_patch(record, features, config, v):
    compressor, mlp = build(config, v), build(MLPConfig(), P)
    with torch.inference_mode():
        ratio = times_faster(
            lambda: compressor(features), lambda: mlp(features), rounds=3
        )
    record(f"{config.name}, V = {v}: projecting all patches / forward", ratio)
