"""The points that a law is fitted to, checked before they are fitted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vlmcore.scaling.data_range import DataRange
from vlmcore.scaling.losses import Loss

_SIZES = (1e3, 1e15)
"""No language model has fewer or more parameters: such an N is in another unit."""

_RISING = 2
"""Standard errors from which on a slope is no noise."""


@dataclass(frozen=True, eq=False)
class Points:
    """Measured errors.

    Attributes:
        N: parameters of the language model, float (points,)
        V: visual tokens, float (points,)
        error: float (points,)
        weights: float (points,): one over the variance of each error, up to a factor;
            numbers of questions for a binomial loss.
    """

    N: np.ndarray
    V: np.ndarray
    error: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.error)

    @property
    def range(self) -> DataRange:
        """The smallest and the largest N and V."""
        return DataRange.of(self.N, self.V)

    def keep(self, chosen: np.ndarray) -> "Points":
        """Some of the points."""
        return Points(
            self.N[chosen], self.V[chosen], self.error[chosen], self.weights[chosen]
        )


def check_points(
    N: ArrayLike,
    V: ArrayLike,
    error: ArrayLike,
    weights: ArrayLike | None,
    trials: ArrayLike | None,
    loss: Loss,
    shares: bool = True,
) -> Points:
    """Checks points that are to be fitted.

    Raises:
        ValueError: lengths differ, a number is missing or out of its range, N is not in
            parameters, all errors are the same or look like accuracies, or the loss
            needs something else.
    """
    if (trials is None) == (loss == "binomial"):
        raise ValueError(
            "a binomial loss, and no other, needs `trials`: how many questions each "
            "error is a share of"
        )
    if trials is not None and weights is not None:
        raise ValueError(
            "a binomial loss takes its weights from `trials`; leave `weights` out"
        )
    last, counted = ("weights", weights) if trials is None else ("trials", trials)
    given = {"N": N, "V": V, "error": error, last: counted}
    columns = {
        name: np.array(1.0 if each is None else each, float)
        for name, each in given.items()
    }
    if columns[last].ndim == 0:
        columns[last] = np.full(columns["error"].shape, columns[last])
    _check_columns(columns)
    _check_unit(columns["N"])
    _check_errors(columns["error"], loss, shares)
    if trials is not None:
        _check_counts(columns["error"], columns["trials"])
    points = Points(*columns.values())
    _check_direction(points)
    return points


def _check_columns(columns: dict[str, np.ndarray]) -> None:
    shapes = {name: column.shape for name, column in columns.items()}
    if len(set(shapes.values())) > 1 or columns["error"].ndim != 1:
        raise ValueError(
            "a fit takes one number of each for every point, but the shapes are "
            f"{shapes}"
        )
    for name, column in columns.items():
        if not np.isfinite(column).all():
            raise ValueError(
                f"{name} of point {_first(~np.isfinite(column))} is not finite; leave "
                "points without a measurement out"
            )
        if name != "error" and not (column > 0).all():
            where = _first(column <= 0)
            raise ValueError(
                f"{name} of point {where} is {column[where]:g} and must be positive "
                "(a blind model, V = 0, is on no law)"
            )


def _check_unit(N: np.ndarray) -> None:
    """Raises a ValueError where N cannot be in parameters."""
    if N.min(initial=np.inf) < _SIZES[0]:
        least, most = int(N.argmin()), int(N.argmax())
        raise ValueError(
            f"N of point {least} is {N[least]:g} and the largest is {N[most]:g}, but N "
            "counts parameters; multiply an N in billions by 1e9 (`vlmcore law` does "
            "it with --billions)"
        )
    if N.max(initial=0) > _SIZES[1]:
        most = int(N.argmax())
        raise ValueError(
            f"N of point {most} is {N[most]:g}, which no language model has; N counts "
            "parameters, and was perhaps multiplied by 1e9 twice"
        )


def _check_errors(error: np.ndarray, loss: Loss, shares: bool) -> None:
    if len(error) and np.ptp(error) == 0:
        raise ValueError(
            f"all {len(error)} errors are {error[0]:g}: nothing depends on N or V, so "
            "there is no law to fit"
        )
    if loss == "huber" and not (error > 0).all():
        where = _first(error <= 0)
        raise ValueError(
            f"the error of point {where} is {error[where]:g}, and Huber's loss is of "
            "its logarithm; use loss='squared'"
        )
    if (shares or loss == "binomial") and not ((error >= 0) & (error <= 1)).all():
        where = _first((error < 0) | (error > 1))
        raise ValueError(
            f"the error of point {where} is {error[where]:g}, but a share lies between "
            "0 and 1; divide per cent by 100, or give shares=False for a loss that is "
            "no share"
        )


def _check_direction(points: Points) -> None:
    """Raises a ValueError where errors rise with N and with V, each significantly."""
    logs = [np.log(points.N), np.log(points.V)]
    design = np.stack([np.ones(len(points)), *logs], 1)
    if len(points) < 5 or np.linalg.matrix_rank(design) < 3:
        return
    roots = np.sqrt(points.weights)
    inverse = np.linalg.pinv(roots[:, None] * design)
    slopes = inverse @ (roots * points.error)
    left = ((roots * (points.error - design @ slopes)) ** 2).sum() / (len(points) - 3)
    standard_errors = np.sqrt((inverse**2).sum(1) * left)
    if (slopes > _RISING * standard_errors)[1:].all():
        corners = [int(np.lexsort(logs)[end]) for end in (0, -1)]
        first, last = (points.error[corner] for corner in corners)
        raise ValueError(
            f"the errors rise with both N and V, from {first:.3g} to {last:.3g}: these "
            "look like accuracies; give 1 - accuracy"
        )


def _check_counts(error: np.ndarray, trials: np.ndarray) -> None:
    wrong = error * trials
    off = np.abs(wrong - np.round(wrong)) > 1e-3
    if off.any() or not np.array_equal(trials, np.round(trials)):
        where = _first(off | (trials != np.round(trials)))
        raise ValueError(
            f"an error of {error[where]:g} in {trials[where]:g} questions is "
            f"{wrong[where]:g} wrong answers, not a count"
        )


def _first(wrong: np.ndarray) -> int:
    return int(np.flatnonzero(wrong)[0])
