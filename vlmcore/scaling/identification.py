"""The conditions that a fit has to meet, for many fits to the same points at once.

`fit_law` raises where they are not met; resampling counts the refits that it refuses.
"""

import numpy as np

from vlmcore.scaling.model import Model
from vlmcore.scaling.points import Points

_RUNAWAY = 1e3
"""A term of the law this many times the largest error diverges, with another term that
compensates it."""

_UNIDENTIFIED = 1e-9
"""A direction of the parameters along which the predictions change this little, beside
the others, is not identified by the points."""


def refused(
    model: Model, points: Points, weights: np.ndarray, parameters: np.ndarray
) -> np.ndarray:
    """The refits that `fit_law` would refuse, bool (rows,).

    Refits at a bound are kept: without them a bootstrap would lack the side on which
    the bound lies.

    Args:
        model: form, bounds and loss.
        points: of the original fit.
        weights: float (rows, points); 0 for a point that was not drawn.
        parameters: float (rows, parameters)
    """
    return (
        _too_few(model, points, weights > 0)
        | runaway(model, points, parameters).any(1)
        | unidentified(model, points, weights, parameters)
    )


def runaway(model: Model, points: Points, parameters: np.ndarray) -> np.ndarray:
    """Whether a linear parameter diverges, bool (rows, linear parameters)."""
    form, names = model.form, model.form.names()
    if not form.EXPONENTS:
        return np.zeros((len(parameters), len(form.LINEAR)), bool)
    slopes = form.derivatives(parameters, points.N, points.V, model.unit)
    linear = [names.index(name) for name in form.LINEAR]
    largest = np.abs(slopes[..., linear] * parameters[:, None, linear]).max(1)
    return ~(largest <= _RUNAWAY * np.abs(points.error).max())


def unidentified(
    model: Model, points: Points, weights: np.ndarray, parameters: np.ndarray
) -> np.ndarray:
    """Whether the points leave a direction of the free parameters open, bool (rows,).

    Parameters that are held or at a bound are not free.
    """
    held = [name not in model.free for name in model.form.names()]
    free = ~(at_bound(model, parameters) | held)
    slopes = model.form.derivatives(parameters, points.N, points.V, model.unit)
    slopes = np.sqrt(weights)[..., None] * slopes
    found = np.zeros(len(parameters), bool)
    for pattern in np.unique(free, axis=0):
        rows = (free == pattern).all(1)
        own = slopes[rows][..., pattern]
        sizes = np.linalg.norm(own, axis=1, keepdims=True)
        flat = ~(np.isfinite(sizes) & (sizes > 0)).all((1, 2))
        unit = own / np.where(flat[:, None, None], 1, sizes)
        unit[flat] = 0
        least = np.linalg.svd(unit, compute_uv=False).min(-1, initial=np.inf)
        found[rows] = flat | (least < _UNIDENTIFIED)
    return found


def at_bound(model: Model, parameters: np.ndarray) -> np.ndarray:
    """Which parameters that are not held ended at a bound, bool (rows, parameters)."""
    columns = []
    for name, column in zip(model.form.names(), parameters.T, strict=True):
        low, high = model.bounds[name]
        columns.append(np.zeros(len(column), bool))
        for end in (low, high):
            if low < high and np.isfinite(end):
                columns[-1] |= np.abs(column - end) <= 1e-9 * max(1, abs(end))
    return np.stack(columns, 1)


def _too_few(model: Model, points: Points, drawn: np.ndarray) -> np.ndarray:
    """Draws that `Model.check_enough` would refuse, bool (rows,)."""
    refused = drawn.sum(1) <= len(model.free)
    for name, column in (("alpha", points.N), ("beta", points.V)):
        if name in model.free:
            least, most = (
                pick(np.where(drawn, column, fill), axis=1)
                for pick, fill in ((np.min, np.inf), (np.max, -np.inf))
            )
            refused |= least >= most
    return refused
