"""Seconds of a pass from its operations, by two numbers that are fitted."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from vlmcore.config.validation import as_list, real


class Speed(NamedTuple):
    """How fast a machine runs a model: seconds = overhead + operations / rate."""

    overhead: float
    """Seconds of a pass that do not depend on the number of tokens."""
    rate: float
    """Operations a second beyond that."""

    def seconds(self, flops: float) -> float:
        """Seconds of a pass with so many operations."""
        return self.overhead + flops / self.rate


def fit_speed(flops: Sequence[float], seconds: Sequence[float]) -> Speed:
    """Fits overhead and rate by least squares of relative errors, neither below zero.

    Args:
        flops: of some passes, such as prefills at several V.
        seconds: how long each took.

    Raises:
        ValueError: fewer than two passes, numbers that are not positive, or seconds
            that do not grow with the operations.

    Example:
        >>> speed = fit_speed([1e9, 2e9, 4e9], [0.3, 0.5, 0.9])
        >>> round(speed.overhead, 3), round(speed.seconds(8e9), 3)
        (0.1, 1.7)
    """
    x = [real("flops", value, 1) for value in as_list("flops", flops)]
    y = [real("seconds", value, 1e-9) for value in as_list("seconds", seconds)]
    if len(x) != len(y) or len(set(x)) < 2:
        raise ValueError(
            f"{len(x)} numbers of operations and {len(y)} of seconds; give one of each "
            "for at least two passes that differ"
        )
    scale = max(x)
    table = np.column_stack([np.ones(len(x)), np.array(x) / scale])
    (overhead, slope), _ = nnls(table / np.array(y)[:, None], np.ones(len(x)))
    if slope == 0:
        raise ValueError(
            "the seconds do not grow with the operations; measure passes that differ "
            "more, or more often"
        )
    return Speed(float(overhead), float(scale / slope))
