"""Least squares in the linear parameters of a law, with bounds, many rows at once."""

from itertools import product
from typing import NamedTuple

import numpy as np

_COLLINEAR = 1e-12
"""A column is dependent on others if projecting them out leaves this share of it."""


class Linear(NamedTuple):
    """Least squares in the linear parameters."""

    values: np.ndarray
    """float (rows, linear parameters)"""
    residuals: np.ndarray
    """float (rows, points), each times the root of its weight"""
    directions: list[np.ndarray]
    """float (rows, points) each, orthonormal: what the linear parameters can still
    change; zeros where one is at its bound."""
    sse: np.ndarray
    """float (rows,)"""

    def or_other(
        self, other: "Linear", better: np.ndarray, chosen: np.ndarray
    ) -> "Linear":
        """Chosen rows, from this solution where it is better, else from the other."""
        better = better[chosen]
        if len(chosen) == len(self.sse) and (better.all() or not better.any()):
            # nothing to be mixed; most often so in a single fit
            return self if better.all() else other

        def pick(new: np.ndarray, old: np.ndarray) -> np.ndarray:
            mask = better.reshape(-1, *[1] * (new.ndim - 1))
            return np.where(mask, new[chosen], old[chosen])

        pairs = zip(self.directions, other.directions, strict=True)
        return Linear(
            pick(self.values, other.values),
            pick(self.residuals, other.residuals),
            [pick(new, old) for new, old in pairs],
            pick(self.sse, other.sse),
        )


def bounded_least_squares(
    terms: list[np.ndarray],
    y: np.ndarray,
    roots: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
) -> Linear:
    """Least squares under bounds.

    Parameters are put at their ends, few before many, until the gradient would push
    none of them back.
    """
    terms, y = [term * roots for term in terms], y * roots
    options = [_options(lower[:, i], upper[:, i]) for i in range(len(terms))]
    best: Linear | None = None
    open_rows, rows = np.ones(len(y), bool), np.arange(len(y))
    few_first = sorted(
        product(*options), key=lambda ends: sum(end is not None for end in ends)
    )
    for ends in few_first:
        found = _unbounded(terms, y, ends)
        inside = ((found.values >= lower) & (found.values <= upper)).all(1)
        found = found._replace(sse=np.where(inside, found.sse, np.inf))
        best = found.or_other(best, found.sse < best.sse, rows) if best else found
        open_rows &= ~inside | _pushes_back(terms, found.residuals, ends, lower, upper)
        if not open_rows.any():
            break
    assert best is not None
    return best


def _pushes_back(
    terms: list[np.ndarray],
    residuals: np.ndarray,
    ends: tuple[np.ndarray | None, ...],
    lower: np.ndarray,
    upper: np.ndarray,
) -> np.ndarray:
    """Rows that would fit better with a parameter inside than at its end.

    The problem is convex, so the others are solved.
    """
    pushes = np.zeros(len(residuals), bool)
    for i, end in enumerate(ends):
        if end is not None:
            slope = np.einsum("rp,rp->r", terms[i], residuals)
            pushes |= (np.where(end < upper[:, i], slope, -slope) > 0) & (
                lower[:, i] < upper[:, i]
            )
    return pushes


def _options(lower: np.ndarray, upper: np.ndarray) -> list[np.ndarray | None]:
    """The states of a linear parameter: free (None), or at an end."""
    if np.array_equal(lower, upper):
        return [lower]
    return [None, *(end for end in (lower, upper) if np.isfinite(end).all())]


def _unbounded(
    terms: list[np.ndarray], y: np.ndarray, ends: tuple[np.ndarray | None, ...]
) -> Linear:
    """Least squares by modified Gram-Schmidt, the last column first.

    A constant that is projected out first keeps nearly flat columns apart.
    """
    values = np.zeros((len(y), len(terms)))
    for i, end in enumerate(ends):
        if end is not None:
            values[:, i] = end
            y = y - end[:, None] * terms[i]
    free = [i for i, end in reversed(list(enumerate(ends))) if end is None]
    directions = [np.zeros_like(y)] * len(terms)  # replaced one by one, never changed
    inner: dict[tuple[int, int], np.ndarray] = {}
    for i in free:
        own, earlier = terms[i], free[: free.index(i)]
        length = _norm(own)
        for j in earlier:
            inner[j, i] = np.einsum("rp,rp->r", directions[j], own)
            own = own - inner[j, i][:, None] * directions[j]
        rest = _norm(own) if earlier else length
        inner[i, i] = np.where(rest > _COLLINEAR * length, rest, np.inf)
        directions[i] = own / inner[i, i][:, None]
        values[:, i] = np.einsum("rp,rp->r", directions[i], y)
        y = y - values[:, i, None] * directions[i]
    for i in reversed(free):
        later = free[free.index(i) + 1 :]
        values[:, i] = (
            values[:, i] - sum(inner[i, k] * values[:, k] for k in later)
        ) / inner[i, i]
    return Linear(values, y, directions, np.einsum("rp,rp->r", y, y))


def _norm(rows: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("rp,rp->r", rows, rows))
