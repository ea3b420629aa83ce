"""The base of all laws: errors at N and V, and the best N and V for a budget.

A law is linear in some of its parameters, `LINEAR`, once the others, its `EXPONENTS`,
are known; fitting builds on that. N is given in parameters
everywhere and enters a law as N / `unit`, so that with the default unit A is the
coefficient at a billion parameters, as in arXiv 2411.03312. Budgets are in FLOPs, 2N(Q
+ V) as in that paper, with Q text tokens; the vision encoder and one more pass over the
question can be added.
"""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

from vlmcore.scaling.data_range import DataRange

Bounds = tuple[float, float]


class Choice(NamedTuple):
    """The best N and V for a budget, with their cost and predicted error."""

    params: float
    visual_tokens: float
    flops: float
    error: float


@dataclass(frozen=True)
class Law:
    """The base of all laws.

    Attributes:
        unit: parameters in one unit of N.
        data: range of the points it was fitted to; None for a law that was written
            down.

    Raises:
        ValueError: a parameter is not finite, or the unit is not positive.
    """

    unit: float = field(default=1e9, kw_only=True, repr=False)
    data: DataRange | None = field(
        default=None, kw_only=True, repr=False, compare=False
    )

    LINEAR: ClassVar[tuple[str, ...]] = ()
    EXPONENTS: ClassVar[tuple[str, ...]] = ()
    BOUNDS: ClassVar[dict[str, Bounds]] = {}

    def __post_init__(self) -> None:
        finite = np.isfinite([*self.parameters, self.unit]).all()
        if not (finite and self.unit > 0):
            raise ValueError(
                f"{self} is no law; its parameters must be finite and its unit positive"
            )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The parameters, in the order of the formula."""
        own = {each.name for each in fields(Law)}
        return tuple(each.name for each in fields(cls) if each.name not in own)

    @classmethod
    def terms(cls, exponents: Any, n: np.ndarray, v: np.ndarray) -> list[np.ndarray]:
        """The factors of the linear parameters.

        Args:
            exponents: a sequence of numbers or columns, in the order of `EXPONENTS`.
            n: logarithms of N / unit.
            v: logarithms of V.
        """
        raise NotImplementedError

    @classmethod
    def slopes(
        cls, exponents: Any, linear: Any, n: np.ndarray, v: np.ndarray
    ) -> list[np.ndarray]:
        """Derivatives of the error, one for each exponent."""
        raise NotImplementedError

    @classmethod
    def errors(
        cls, parameters: np.ndarray, N: ArrayLike, V: ArrayLike, unit: float = 1e9
    ) -> np.ndarray:
        """Errors that many laws predict at many points.

        Args:
            parameters: float (laws, parameters), in the order of `names()`.
            N: (points,), in parameters.
            V: (points,)
            unit: of N.

        Returns:
            float (laws, points)

        Raises:
            ValueError: an N or V is not positive.
        """
        N, V = np.asarray(N, float), np.asarray(V, float)
        if not (np.all(N > 0) and np.all(V > 0)):
            raise ValueError(
                "a law holds for positive N and V only; the smallest given are N = "
                f"{N.min():g} and V = {V.min():g}"
            )
        n, v = np.log(N / unit), np.log(V)
        exponents, linear = cls._columns(parameters)
        terms = cls.terms(exponents, n, v)
        return sum(
            (factor * term for factor, term in zip(linear, terms, strict=True)),
            np.zeros(1),
        )

    @classmethod
    def derivatives(
        cls, parameters: np.ndarray, N: ArrayLike, V: ArrayLike, unit: float = 1e9
    ) -> np.ndarray:
        """Derivatives of `errors`, float (laws, points, parameters)."""
        n, v = np.log(np.asarray(N, float) / unit), np.log(np.asarray(V, float))
        exponents, linear = cls._columns(parameters)
        found = [*cls.terms(exponents, n, v), *cls.slopes(exponents, linear, n, v)]
        by_name = dict(zip((*cls.LINEAR, *cls.EXPONENTS), found, strict=True))
        shape = len(parameters), len(n)
        return np.stack(
            [np.broadcast_to(by_name[name], shape) for name in cls.names()], -1
        )

    @classmethod
    def _columns(cls, parameters: np.ndarray) -> tuple[list[Any], list[Any]]:
        """Exponents and linear parameters of many laws, (laws, 1) each."""
        column = {
            name: np.asarray(parameters, float)[:, i, None]
            for i, name in enumerate(cls.names())
        }
        exponents, linear = (
            [column[name] for name in names] for names in (cls.EXPONENTS, cls.LINEAR)
        )
        return exponents, linear

    @property
    def parameters(self) -> np.ndarray:
        """The parameters in the order of `names()`."""
        return np.array([vars(self)[name] for name in self.names()])

    def predict(self, N: ArrayLike, V: ArrayLike) -> np.ndarray:
        """The error at N parameters and V visual tokens, which broadcast.

        Raises:
            ValueError: an N or V is not positive, or N is in another unit than the
                law's data.
        """
        N, V = np.broadcast_arrays(np.asarray(N, float), np.asarray(V, float))
        if self.data is not None:
            self.data.check_unit(N)
        return self.errors(self.parameters[None], N.ravel(), V.ravel(), self.unit)[
            0
        ].reshape(N.shape)

    def optimal_tokens(
        self, q: float, budget: float | None = None, *, max_visual_tokens: float = 576
    ) -> float:
        """V with the least error when every FLOP of the budget is spent on 2N(Q + V).

        Found numerically, for laws whose best V depends on the budget.

        Args:
            q: Q, text tokens; 0 when the text is cached.
            budget: FLOPs of the language model.
            max_visual_tokens: largest V.

        Raises:
            ValueError: no budget is given, or Q, V or the budget make no sense.
        """
        check_tokens(q, max_visual_tokens)
        if budget is None or not 0 < budget < np.inf:
            raise ValueError(
                f"with a law of type {type(self).__name__} the best V depends on the "
                f"budget; give one above 0, not {budget}"
            )

        def error(log_v: Any) -> np.ndarray:
            V = np.exp(log_v)
            return self.predict(budget / (2 * (q + V)), V)

        grid = np.linspace(0, np.log(max_visual_tokens), 513)
        best = int(np.argmin(error(grid)))
        around = grid[max(best - 1, 0)], grid[min(best + 1, 512)]
        inside = minimize_scalar(
            error, bounds=around, method="bounded", options={"xatol": 1e-10}
        )
        return float(np.exp(inside.x if inside.fun < error(grid[best]) else grid[best]))

    def optimum(
        self,
        budget: float,
        q: float,
        *,
        encoder_flops: float = 0,
        question_pass: bool = False,
        max_visual_tokens: float = 576,
    ) -> Choice:
        """The best N and V when N can be any number.

        Args:
            budget: FLOPs to answer one question.
            q: Q, text tokens; 0 when the text is cached.
            encoder_flops: of the vision encoder, if they count.
            question_pass: the compressor needs one more pass of the language model over
                the question, as QueCC does.
            max_visual_tokens: largest V.

        Raises:
            ValueError: nothing is left of the budget, or Q or V make no sense.
        """
        left = budget - encoder_flops
        if not 0 < left < np.inf:
            raise ValueError(
                f"the encoder's {encoder_flops:g} FLOPs leave nothing of a budget of "
                f"{budget:g}; raise the budget"
            )
        passes = q * (1 + question_pass)
        V = self.optimal_tokens(passes, left, max_visual_tokens=max_visual_tokens)
        N = left / (2 * (passes + V))
        return Choice(N, V, budget, float(self.predict(N, V)))

    def frontier(self, budgets: ArrayLike, q: float, **options: Any) -> pd.DataFrame:
        """The optimum of each of many budgets, one a row; options as for `optimum`."""
        return pd.DataFrame(
            [self.optimum(budget, q, **options) for budget in np.atleast_1d(budgets)],
            columns=Choice._fields,
        )


def check_tokens(q: float, max_visual_tokens: float) -> None:
    """Raises a ValueError where Q or the largest V make no sense."""
    if not (np.isfinite(q) and q >= 0):
        raise ValueError(
            f"{q} text tokens make no sense; Q is 0 when the text is cached, and "
            "positive else"
        )
    if not 1 <= max_visual_tokens < np.inf:
        raise ValueError(
            f"at most {max_visual_tokens} visual tokens make no sense; allow at least "
            "1, and no infinity"
        )
