"""How a ratio is measured, compared with its band and recorded."""

import json
import os
import platform
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from vlmcore.files import write_json

BANDS = json.loads((Path(__file__).parent / "bands.json").read_text())["least"]
RECORD = Path(__file__).parents[2] / "_build" / "bench.json"
RATIOS = {}


def seconds(call):
    """CPU seconds of this process, so that other work on the machine counts little."""
    start = time.process_time()
    call()
    return time.process_time() - start


def times_faster(ours, reference, rounds=5):
    """Median over rounds of how many times longer the reference takes.

    The two take turns, after one call of each to warm up.
    """
    ours(), reference()
    pairs = [(seconds(ours), seconds(reference)) for _ in range(rounds)]
    return float(np.median([theirs / own for own, theirs in pairs]))


@pytest.fixture
def record(capsys):
    """Prints and keeps a ratio, and fails where it falls below its band."""

    def keep(name, ratio):
        RATIOS[name] = round(ratio, 3)
        with capsys.disabled():
            print(f"\n{name}: {ratio:.2f}, at least {BANDS[name]:g} accepted", end=" ")
        assert ratio >= BANDS[name], f"{name}: {ratio:.3f} is below {BANDS[name]:g}"

    return keep


def pytest_sessionfinish():
    """Writes what was measured."""
    machine = {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    write_json(RECORD, {**machine, "ratios": RATIOS, "least": BANDS})
