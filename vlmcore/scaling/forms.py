"""Four laws: the `Product` of arXiv 2411.03312, section 3, and three alternatives.

The symbols are those of the paper. In all laws N stands for N / `unit`.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from vlmcore.scaling.law import Bounds, Law, check_tokens

_EXPONENT: Bounds = (-1.0, 4.0)
_POSITIVE: Bounds = (0.0, np.inf)
_FREE: Bounds = (-np.inf, np.inf)


class _OneRatio(Law):
    """A law whose best V depends on the ratio of two exponents, not on the budget."""

    alpha: float
    beta: float

    @property
    def ratio(self) -> float:
        """The ratio alpha / beta; infinite where V has no effect.

        V must grow by so many per cent to compensate for one per cent of N.
        """
        return (
            self.alpha / self.beta
            if self.beta
            else float(np.copysign(np.inf, self.alpha))
        )

    def optimal_tokens(
        self, q: float, budget: float | None = None, *, max_visual_tokens: float = 576
    ) -> float:
        """V* = beta Q / (alpha - beta), at any budget, between 1 and the largest V.

        It is the largest V where alpha <= beta.

        Args:
            q: Q, text tokens; 0 when the text is cached.
            budget: has no effect.
            max_visual_tokens: largest V.

        Raises:
            ValueError: Q or the largest V make no sense.
        """
        check_tokens(q, max_visual_tokens)
        if self.beta <= 0:
            return 1.0
        if self.alpha <= self.beta:
            return float(max_visual_tokens)
        return float(
            np.clip(self.beta * q / (self.alpha - self.beta), 1, max_visual_tokens)
        )


@dataclass(frozen=True)
class Product(_OneRatio):
    """The law of the paper: AB N^-alpha V^-beta + D; only the product AB is identified.

    Example, the curves of the paper's figure:
        >>> Product(AB=0.5571, alpha=0.0768, beta=0.0152, D=0.0333).optimal_tokens(50)
        12.337662337662339
    """

    AB: float
    alpha: float
    beta: float
    D: float

    LINEAR = ("AB", "D")
    EXPONENTS = ("alpha", "beta")
    BOUNDS: ClassVar = {
        "AB": _POSITIVE,
        "alpha": _EXPONENT,
        "beta": _EXPONENT,
        "D": _POSITIVE,
    }

    @classmethod
    def terms(cls, exponents: Any, n: np.ndarray, v: np.ndarray) -> list[np.ndarray]:
        """Of AB and D: N^-alpha V^-beta and 1."""
        alpha, beta = exponents
        power = np.exp(-alpha * n - beta * v)
        return [power, np.ones_like(power)]

    @classmethod
    def slopes(
        cls, exponents: Any, linear: Any, n: np.ndarray, v: np.ndarray
    ) -> list[np.ndarray]:
        """By alpha and beta."""
        alpha, beta = exponents
        power = linear[0] * np.exp(-alpha * n - beta * v)
        return [-n * power, -v * power]


@dataclass(frozen=True)
class Additive(Law):
    """A N^-alpha + B V^-beta + D: Chinchilla's form (arXiv 2203.15556), V for data."""

    A: float
    B: float
    alpha: float
    beta: float
    D: float

    LINEAR = ("A", "B", "D")
    EXPONENTS = ("alpha", "beta")
    BOUNDS: ClassVar = {
        "A": _POSITIVE,
        "B": _POSITIVE,
        "alpha": _EXPONENT,
        "beta": _EXPONENT,
        "D": _POSITIVE,
    }

    @classmethod
    def terms(cls, exponents: Any, n: np.ndarray, v: np.ndarray) -> list[np.ndarray]:
        """Of A, B and D: N^-alpha, V^-beta and 1."""
        alpha, beta = exponents
        of_n, of_v = np.exp(-alpha * n), np.exp(-beta * v)
        return [of_n, of_v, np.ones_like(of_n)]

    @classmethod
    def slopes(
        cls, exponents: Any, linear: Any, n: np.ndarray, v: np.ndarray
    ) -> list[np.ndarray]:
        """By alpha and beta."""
        alpha, beta = exponents
        return [-n * linear[0] * np.exp(-alpha * n), -v * linear[1] * np.exp(-beta * v)]


@dataclass(frozen=True)
class LogLinear(_OneRatio):
    """k - alpha ln N - beta ln V, a straight line: the product's limit for D to -inf.

    Here alpha and beta are slopes of the error, not exponents; their ratio means the
    same as in the product.
    """

    k: float
    alpha: float
    beta: float

    LINEAR = ("k", "alpha", "beta")
    BOUNDS: ClassVar = {"k": _FREE, "alpha": _FREE, "beta": _FREE}

    @classmethod
    def terms(cls, exponents: Any, n: np.ndarray, v: np.ndarray) -> list[np.ndarray]:
        """Of k, alpha and beta: 1, -ln N and -ln V."""
        return [np.ones_like(n), -n, -v]

    @classmethod
    def slopes(
        cls, exponents: Any, linear: Any, n: np.ndarray, v: np.ndarray
    ) -> list[np.ndarray]:
        """There is no exponent."""
        return []


@dataclass(frozen=True)
class Interaction(Law):
    """AB N^-alpha V^-(beta + gamma ln N) + D: the effect of V varies with N."""

    AB: float
    alpha: float
    beta: float
    gamma: float
    D: float

    LINEAR = ("AB", "D")
    EXPONENTS = ("alpha", "beta", "gamma")
    BOUNDS: ClassVar = {
        "AB": _POSITIVE,
        "alpha": _EXPONENT,
        "beta": _EXPONENT,
        "gamma": _EXPONENT,
        "D": _POSITIVE,
    }

    @classmethod
    def terms(cls, exponents: Any, n: np.ndarray, v: np.ndarray) -> list[np.ndarray]:
        """Of AB and D: N^-alpha V^-(beta + gamma ln N) and 1."""
        alpha, beta, gamma = exponents
        power = np.exp(-alpha * n - beta * v - gamma * n * v)
        return [power, np.ones_like(power)]

    @classmethod
    def slopes(
        cls, exponents: Any, linear: Any, n: np.ndarray, v: np.ndarray
    ) -> list[np.ndarray]:
        """By alpha, beta and gamma."""
        power = linear[0] * cls.terms(exponents, n, v)[0]
        return [-n * power, -v * power, -n * v * power]
