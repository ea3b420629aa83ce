"""Variable projection (Golub and Pereyra 1973): least squares for laws that are linear once their exponents are known.

For given exponents the best linear parameters follow exactly, bounds included, so that
only two or three exponents are searched, by Levenberg-Marquardt with Kaufman's
Jacobian. Many problems on the same points are solved side by side, one a row, without a
loop over them: the starts of one fit, the replicates of a bootstrap, the points of a
profile.
"""

from itertools import product
from typing import NamedTuple

import numpy as np

from vlmcore.scaling.law import Law

TINY = np.finfo(float).tiny
LEAST_DAMPING = 1e-12
"""Keeps the normal equations solvable where two exponents do the same."""

COLLINEAR = 1e-12
"""A column whose length is this small a share of itself, once the others are taken out,
has nothing of its own."""


class Solution(NamedTuple):
    """Where the search ended, one row a problem."""

    searched: np.ndarray
    """float (rows, searched)"""
    exponents: np.ndarray
    """float (rows, exponents)"""
    linear: np.ndarray
    """float (rows, linear parameters)"""
    sse: np.ndarray
    """float (rows,)"""


class Linear(NamedTuple):
    """Least squares in the linear parameters."""

    values: np.ndarray
    """float (rows, linear parameters)"""
    residuals: np.ndarray
    """float (rows, points), each times the root of its weight"""
    directions: list[np.ndarray]
    """float (rows, points) each, orthonormal: what the linear parameters can still
    change; zeros where one sits at its bound."""
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
    """Bounds of what is searched, float (2, searched)"""

    def rows(self, chosen: np.ndarray) -> "Problem":
        """Some of the problems."""
        by_row = ("y", "roots", "lower", "upper", "offset", "basis")
        return self._replace(
            **{
                name: value[chosen]
                for name, value in self._asdict().items()
                if name in by_row
            }
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
        return _bounded(terms, self.y, self.roots, self.lower, self.upper)

    def slopes(self, searched: np.ndarray, linear: Linear) -> np.ndarray:
        """Weighted derivatives of the prediction that no linear parameter can imitate, float (rows, searched, points)."""
        slopes = self.form.slopes(
            _columns(self.exponents(searched)), _columns(linear.values), self.n, self.v
        )
        by_exponent = np.stack(slopes, 1) * self.roots[:, None]
        own = self.basis @ by_exponent
        for direction in linear.directions:
            own = (
                own
                - np.einsum("rp,rsp->rs", direction, own)[..., None]
                * direction[:, None]
            )
        return own


def descend(
    problem: Problem,
    start: np.ndarray,
    iterations: int = 1000,
    tolerance: float = 1e-13,
) -> Solution:
    """The nearest optimum of each problem.

    Args:
        problem: the rows.
        start: float (rows, searched)
        iterations: at most so many steps.
        tolerance: a row is done when a step no longer lowers its SSE by this share of
            it, or moves less than this.
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
        new = np.clip(
            at
            + _step(
                part.slopes(at, here), here.residuals, damping[live], at, problem.box
            ),
            *problem.box,
        )
        there = part.linear(new)
        gain = sse[live] - there.sse
        moved = np.abs(new - at).max(1)
        better = gain >= 0
        damping[live] = np.maximum(
            damping[live] * np.where(better, 0.1, 8.0), LEAST_DAMPING
        )
        searched[live[better]], values[live[better]], sse[live[better]] = (
            new[better],
            there.values[better],
            there.sse[better],
        )
        stays = ~(
            (better & (gain <= tolerance * sse[live]) & (moved < 1e-7))
            | (moved < tolerance)
            | (sse[live] <= TINY)
        )
        chosen = np.flatnonzero(stays)
        here = _mix(better, there, here, chosen)
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
    size = np.einsum(
        "rss->rs", square
    )  # a view: what is added to it is added to the diagonal
    size += damping[:, None] * size + np.where(size > TINY, 0, 1)
    return np.linalg.solve(square, gradient[..., None])[..., 0]


def _mix(better: np.ndarray, there: Linear, here: Linear, chosen: np.ndarray) -> Linear:
    """The chosen rows, each from the better of two solutions."""
    better = better[chosen]
    if len(chosen) == len(there.sse) and (better.all() or not better.any()):
        return (
            there if better.all() else here
        )  # nothing to be mixed; most often so in a single fit

    def pick(new: np.ndarray, old: np.ndarray) -> np.ndarray:
        mask = better.reshape(-1, *[1] * (new.ndim - 1))
        return np.where(mask, new[chosen], old[chosen])

    directions = [
        pick(new, old)
        for new, old in zip(there.directions, here.directions, strict=True)
    ]
    return Linear(
        pick(there.values, here.values),
        pick(there.residuals, here.residuals),
        directions,
        pick(there.sse, here.sse),
    )


def _bounded(
    terms: list[np.ndarray],
    y: np.ndarray,
    roots: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
) -> Linear:
    """Least squares under bounds: parameters are put at their ends, few before many, until the gradient would push none of them back."""
    terms, y = [term * roots for term in terms], y * roots
    options = [_options(lower[:, i], upper[:, i]) for i in range(len(terms))]
    best: Linear | None = None
    open_rows = np.ones(len(y), bool)
    for ends in sorted(
        product(*options), key=lambda ends: sum(end is not None for end in ends)
    ):
        found = _unbounded(terms, y, ends)
        inside = ((found.values >= lower) & (found.values <= upper)).all(1)
        found = found._replace(sse=np.where(inside, found.sse, np.inf))
        best = (
            found
            if best is None
            else _mix(found.sse < best.sse, found, best, np.arange(len(y)))
        )
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
    """Rows that would fit better with a parameter inside than at its end; the problem is convex, so the others are solved."""
    pushes = np.zeros(len(residuals), bool)
    for i, end in enumerate(ends):
        if end is not None:
            slope = np.einsum("rp,rp->r", terms[i], residuals)
            pushes |= (np.where(end < upper[:, i], slope, -slope) > 0) & (
                lower[:, i] < upper[:, i]
            )
    return pushes


def _options(lower: np.ndarray, upper: np.ndarray) -> list[np.ndarray | None]:
    """What a linear parameter may do: move, or sit at an end."""
    if np.array_equal(lower, upper):
        return [lower]
    return [None, *(end for end in (lower, upper) if np.isfinite(end).all())]


def _unbounded(
    terms: list[np.ndarray], y: np.ndarray, ends: tuple[np.ndarray | None, ...]
) -> Linear:
    """Least squares by modified Gram-Schmidt, the last column first: a constant taken out first keeps nearly flat columns apart."""
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
        inner[i, i] = np.where(rest > COLLINEAR * length, rest, np.inf)
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


def _columns(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[:, i, None] for i in range(rows.shape[1])]
