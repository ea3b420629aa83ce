"""The N and V of a law's data, outside of which it extrapolates."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

_ANOTHER_UNIT = 1e5
"""An N this many times beyond the data is in another unit: no extrapolation goes so
far, and a billion or a million goes farther."""


class DataRange(NamedTuple):
    """The smallest and the largest N and V that a law was fitted to."""

    N: tuple[float, float]
    """Parameters of the language model."""
    V: tuple[float, float]
    """Visual tokens."""

    @classmethod
    def of(cls, N: np.ndarray, V: np.ndarray) -> "DataRange":
        """The range of points, (points,) each."""
        return cls(*((float(each.min()), float(each.max())) for each in (N, V)))

    def outside(self, N: ArrayLike, V: ArrayLike) -> np.ndarray:
        """Whether N or V lies outside, bool; the two broadcast."""
        beyond = [
            (np.asarray(each, float) < low) | (np.asarray(each, float) > high)
            for each, (low, high) in zip((N, V), self, strict=True)
        ]
        return beyond[0] | beyond[1]

    def named_outside(self, N: float, V: float) -> tuple[str, ...]:
        """Which of "N" and "V" lie outside."""
        return tuple(
            name
            for name, each, (low, high) in zip("NV", (N, V), self, strict=True)
            if not low <= each <= high
        )

    def check_unit(self, N: np.ndarray) -> None:
        """Raises a ValueError where N cannot be in the unit of the data."""
        if not N.size:
            return
        low, high = self.N
        least, most = float(N.min()), float(N.max())
        if 0 < least < low / _ANOTHER_UNIT or most > high * _ANOTHER_UNIT:
            given = f"{least:g}" if least == most else f"{least:g} to {most:g}"
            raise ValueError(
                f"N = {given} is no size for a law of N = {low:g} to {high:g}: one of "
                "the two seems to be in billions; give both in parameters"
            )
