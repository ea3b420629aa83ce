"""Seconds of several pieces of work that are timed in turn."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch


class Seconds(NamedTuple):
    """The median of several measurements, and their quartiles."""

    median: float
    lower: float
    upper: float


def timed_in_rounds(
    works: Mapping[Any, Callable[[], Any]], device: torch.device, repeats: int
) -> dict[Any, Seconds]:
    """Seconds of each work; a round does all, in an order of its own.

    A round that does not count comes first.
    """
    order, keys = np.random.default_rng(0), list(works)
    measured: dict[Any, list[float]] = {key: [] for key in keys}
    for _ in range(repeats + 1):
        for key in map(keys.__getitem__, order.permutation(len(keys))):
            start = time.perf_counter()
            works[key]()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            measured[key].append(time.perf_counter() - start)
    quartiles = {
        key: np.quantile(times[1:], [0.5, 0.25, 0.75]).tolist()
        for key, times in measured.items()
    }
    return {key: Seconds(*found) for key, found in quartiles.items()}
