"""Variable projection (Golub and Pereyra 1973): least squares for laws with exponents.

For given exponents the best linear parameters follow exactly, bounds included, so that
only two or three exponents are searched, by Levenberg-Marquardt with Kaufman's
Jacobian. Many problems on the same points are solved side by side, one a row, without a
loop over them: the starts of one fit, the replicates of a bootstrap, the points of a
profile.
"""

from typing import NamedTuple

import numpy as np

from vlmcore.scaling.law import Law
from vlmcore.scaling.least_squares import Linear, bounded_least_squares

_TOLERANCE = 1e-13
"""A row is done when a step no longer lowers its SSE by this share of it, or moves less
than this."""
_TINY = np.finfo(float).tiny
_LEAST_DAMPING = 1e-12
"""Keeps the normal equations solvable where two exponents have the same effect."""


class Solution(NamedTuple):
    """The optimum, one row a problem."""

    searched: np.ndarray
    """float (rows, searched)"""
    exponents: np.ndarray
    """float (rows, exponents)"""
    linear: np.ndarray
    """float (rows, linear parameters)"""
    sse: np.ndarray
    """float (rows,)"""


class Problem(NamedTuple):
    """Rows of least-squares problems on the same points.

    The exponents of a row are `offset + searched @ basis`: what is searched may be all
    of them, some, or a line in their space.
    """

    form: type[Law]
    n: np.ndarray
    """Logarithms of N / unit, float (points,)"""
    v: np.ndarray
    """Logarithms of V, float (points,)"""
    y: np.ndarray
    """Errors, float (rows, points)"""
    roots: np.ndarray
    """Roots of the weights, float (rows, points)"""
    lower: np.ndarray
    """Bounds of the linear parameters, float (rows, linear parameters); equal to
    `upper` where one is held."""
    upper: np.ndarray
    offset: np.ndarray
    """float (rows, exponents)"""
    basis: np.ndarray
    """float (rows, searched, exponents)"""
    box: np.ndarray
    """Bounds of what is searched, float (2, rows, searched)"""

    def rows(self, chosen: np.ndarray) -> "Problem":
        """Some of the problems."""
        by_row = ("y", "roots", "lower", "upper", "offset", "basis")
        return self._replace(
            **{
                name: value[chosen]
                for name, value in self._asdict().items()
                if name in by_row
            },
            box=self.box[:, chosen],
        )

    def exponents(self, searched: np.ndarray) -> np.ndarray:
        """All exponents, float (rows, exponents)."""
        return self.offset + np.einsum("rs,rse->re", searched, self.basis)

    def predict(self, solution: Solution) -> np.ndarray:
        """Predicted errors, float (rows, points)."""
        terms = self.form.terms(_columns(solution.exponents), self.n, self.v)
        return sum(
            (
                value * term
                for value, term in zip(_columns(solution.linear), terms, strict=True)
            ),
            np.zeros(1),
        )

    def linear(self, searched: np.ndarray) -> Linear:
        """The best linear parameters for what is searched."""
        terms = self.form.terms(_columns(self.exponents(searched)), self.n, self.v)
        return bounded_least_squares(terms, self.y, self.roots, self.lower, self.upper)

    def slopes(self, searched: np.ndarray, linear: Linear) -> np.ndarray:
        """Weighted derivatives, float (rows, searched, points).

        Their components along the linear parameters' directions are projected out.
        """
        slopes = self.form.slopes(
            _columns(self.exponents(searched)), _columns(linear.values), self.n, self.v
        )
        by_exponent = np.stack(slopes, 1) * self.roots[:, None]
        own = self.basis @ by_exponent
        for direction in linear.directions:
            along = np.einsum("rp,rsp->rs", direction, own)
            own = own - along[..., None] * direction[:, None]
        return own


def descend(problem: Problem, start: np.ndarray, iterations: int = 1000) -> Solution:
    """The nearest optimum of each problem.

    Args:
        problem: the rows.
        start: float (rows, searched)
        iterations: at most so many steps.
    """
    searched = np.clip(start, *problem.box)
    found = problem.linear(searched)
    values, sse = found.values.copy(), found.sse.copy()
    live = np.arange(len(searched)) if searched.shape[1] else np.arange(0)
    damping = np.full(len(searched), 1e-3)
    part, here = problem, found
    for _ in range(iterations):
        if not len(live):
            break
        at = searched[live]
        slopes = part.slopes(at, here)
        step = _step(slopes, here.residuals, damping[live], at, part.box)
        new = np.clip(at + step, *part.box)
        there = part.linear(new)
        gain = sse[live] - there.sse
        moved = np.abs(new - at).max(1)
        better = gain >= 0
        factor = np.where(better, 0.1, 8.0)
        damping[live] = np.maximum(damping[live] * factor, _LEAST_DAMPING)
        searched[live[better]] = new[better]
        values[live[better]] = there.values[better]
        sse[live[better]] = there.sse[better]
        flat = better & (gain <= _TOLERANCE * sse[live]) & (moved < 1e-7)
        done = flat | (moved < _TOLERANCE) | (sse[live] <= _TINY)
        chosen = np.flatnonzero(~done)
        here = there.or_other(here, better, chosen)
        if len(chosen) < len(live):
            live, part = live[chosen], part.rows(chosen)
    return Solution(searched, problem.exponents(searched), values, sse)


def _step(
    slopes: np.ndarray,
    residuals: np.ndarray,
    damping: np.ndarray,
    at: np.ndarray,
    box: np.ndarray,
) -> np.ndarray:
    """Damped Gauss-Newton steps; what would leave the box stays where it is."""
    gradient = np.einsum("rsp,rp->rs", slopes, residuals)
    square = np.einsum("rsp,rtp->rst", slopes, slopes)
    stuck = ((at <= box[0]) & (gradient < 0)) | ((at >= box[1]) & (gradient > 0))
    gradient[stuck] = 0
    square[stuck[:, :, None] | stuck[:, None, :]] = 0
    # a view: adding to it adds to the diagonal
    size = np.einsum("rss->rs", square)
    size += damping[:, None] * size + np.where(size > _TINY, 0, 1)
    return np.linalg.solve(square, gradient[..., None])[..., 0]


def _columns(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[:, i, None] for i in range(rows.shape[1])]
