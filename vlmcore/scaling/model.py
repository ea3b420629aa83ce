"""A model: a form of law, bounds and a loss; and the engine that fits it.

Many rows of errors at the same points are fitted at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from vlmcore.scaling.law import Bounds, Law
from vlmcore.scaling.losses import LOSSES, Loss, least_squares_weights, objective
from vlmcore.scaling.points import Points
from vlmcore.scaling.projection import Problem, Solution, descend

_NODES = (-0.3, -0.03, 0.01, 0.03, 0.08, 0.2, 0.5, 1.2, 2.5)
"""Exponents to start from."""

_ROUNDS = 200
"""Least squares is reweighted at most so many times."""


class Solved(NamedTuple):
    """Fitted rows."""

    parameters: np.ndarray
    """In the order of the law, float (rows, parameters)"""
    objective: np.ndarray
    """The remaining loss, float (rows,)"""


@dataclass(frozen=True)
class Model:
    """A form of law with bounds for its parameters, a loss, its `delta`, the unit of N.

    A parameter that is held has equal bounds.
    """

    form: type[Law]
    bounds: dict[str, Bounds]
    loss: Loss = "squared"
    delta: float = 1e-3
    unit: float = 1e9

    @property
    def free(self) -> list[str]:
        """Parameters that are not held."""
        return [
            name
            for name in self.form.names()
            if self.bounds[name][0] < self.bounds[name][1]
        ]

    def check_enough(self, points: Points) -> None:
        """Raises a ValueError unless the points can determine the free parameters."""
        free = self.free
        if not free:
            raise ValueError(
                "every parameter is held, so nothing is left to fit; take some out of "
                "fixed="
            )
        if len(points) <= len(free):
            raise ValueError(
                f"{len(points)} points do not determine {len(free)} parameters and "
                f"their spread; give at least {len(free) + 1}, or hold some of "
                f"{', '.join(free)} with fixed="
            )
        for name, symbol, column in (("alpha", "N", points.N), ("beta", "V", points.V)):
            if name in free and np.ptp(column) == 0:
                raise ValueError(
                    f"all points have {symbol} = {column[0]:g}, so {name} is not "
                    f"identified; vary {symbol}, or hold {name} with fixed="
                )

    def problem(
        self, points: Points, error: np.ndarray, weights: np.ndarray
    ) -> Problem:
        """Rows of problems, for errors and weights of shape (rows, points).

        The exponents that are not held are searched.
        """
        rows, exponents = len(error), self.form.EXPONENTS
        lower, upper = np.array([self.bounds[name] for name in self.form.LINEAR]).T
        box = np.array([self.bounds[name] for name in exponents]).reshape(-1, 2).T
        searched = box[0] < box[1]
        return Problem(
            form=self.form,
            n=np.log(points.N / self.unit),
            v=np.log(points.V),
            y=error,
            roots=np.sqrt(weights),
            lower=np.tile(lower, (rows, 1)),
            upper=np.tile(upper, (rows, 1)),
            offset=np.tile(np.where(searched, 0, box[0]), (rows, 1)),
            basis=np.tile(np.eye(len(searched))[searched], (rows, 1, 1)),
            box=np.tile(box[:, None, searched], (1, rows, 1)),
        )

    def starts(self, problem: Problem) -> np.ndarray:
        """Starting points for a problem of one row.

        They are the best node of each line of the grid that the first exponent numbers.

        Returns:
            float (starts, searched)
        """
        axes = [
            [node for node in _NODES if low < node < high] or [(low + high) / 2]
            for low, high in problem.box[:, 0].T
        ]
        nodes = np.array(list(product(*axes)))
        sse = _repeat(problem, len(nodes)).linear(nodes).sse
        lines = nodes[:, 0] if nodes.shape[1] else np.zeros(1)
        return np.array(
            [
                nodes[lines == line][np.argmin(sse[lines == line])]
                for line in np.unique(lines)
            ]
        )

    def solve(self, problem: Problem, start: np.ndarray) -> Solved:
        """The nearest optimum of each row.

        Args:
            problem: rows; a single one is solved from every start.
            start: float (rows, searched)
        """
        if len(problem.y) == 1:
            problem = _repeat(problem, len(start))
        if self.loss == "squared":
            solution = descend(problem, start)
            return Solved(self.parameters(solution), solution.sse)
        error, weights = problem.y, problem.roots**2
        solution = descend(self._reweighted(problem, error), start)
        for _ in range(_ROUNDS):
            predicted = problem.predict(solution)
            # not to the end, since the weights change again; but enough steps for the
            # damping to find one that helps
            solution = descend(
                self._reweighted(problem, predicted), solution.searched, iterations=30
            )
            if np.allclose(problem.predict(solution), predicted, rtol=1e-12, atol=0):
                break
        return Solved(
            self.parameters(solution),
            objective(self.loss, error, problem.predict(solution), weights, self.delta),
        )

    def parameters(self, solution: Solution) -> np.ndarray:
        """Parameters in the order of the law, float (rows, parameters)."""
        columns = [*solution.linear.T, *solution.exponents.T]
        by_name = dict(
            zip((*self.form.LINEAR, *self.form.EXPONENTS), columns, strict=True)
        )
        return np.stack([by_name[name] for name in self.form.names()], 1)

    def _reweighted(self, problem: Problem, predicted: np.ndarray) -> Problem:
        weights = least_squares_weights(
            self.loss, problem.y, predicted, problem.roots**2, self.delta
        )
        return problem._replace(roots=np.sqrt(weights))


def make_model(
    form: type[Law],
    loss: Loss,
    delta: float,
    unit: float,
    fixed: Mapping[str, float],
    bounds: Mapping[str, Bounds],
) -> Model:
    """A model with the form's own bounds, unless others are given or parameters fixed.

    Raises:
        ValueError: a form, loss or parameter is unknown, or a number makes no sense.
    """
    if not (isinstance(form, type) and issubclass(form, Law) and form.names()):
        raise ValueError(
            f"{form!r} is no form of law; give the class itself: Product, Additive, "
            "LogLinear or Interaction"
        )
    if loss not in LOSSES:
        raise ValueError(f"there is no loss {loss!r}; choose from {', '.join(LOSSES)}")
    if not (delta > 0 and unit > 0):
        raise ValueError(f"delta = {delta} and unit = {unit} must be positive")
    if unknown := (set(fixed) | set(bounds)) - set(form.names()):
        raise ValueError(
            f"{form.__name__} has no {', '.join(sorted(unknown))}; its parameters are "
            f"{', '.join(form.names())}"
        )
    held = {name: (value, value) for name, value in fixed.items()}
    ends = {**form.BOUNDS, **bounds, **held}
    for name, (low, high) in ends.items():
        wrong_order = not low < high if name not in fixed else not np.isfinite(low)
        infinite = name in form.EXPONENTS and not np.isfinite([low, high]).all()
        if wrong_order or infinite:
            raise ValueError(
                f"{name} cannot lie between {low} and {high}; give a lower and a "
                "higher bound, finite for an exponent"
            )
    return Model(form, ends, loss, delta, unit)


def _repeat(problem: Problem, rows: int) -> Problem:
    return problem.rows(np.zeros(rows, int))
