"""Questions 1 and 3 of A3: the frontier of points, and the optimum of a law."""

from collections.abc import Callable

import numpy as np

from vlmcore.course.checks.feedback import StoppedError
from vlmcore.course.checks.tables import stored

PRINTED = (0.077, 0.015)
"""The exponents in the figures of arXiv 2411.03312."""
TEXT_TOKENS = 50
MODELS = (
    np.repeat([8.0, 0.5, 2.0], 3),
    np.tile([256.0, 1.0, 16.0], 3),
    np.array([20, 40, 30, 50, 60, 43, 44, 45, 45]) / 100,
)
"""N, V and errors of nine models."""
NEAR = 1e-3
"""Relative distance within which a numerical search may end."""


def q1(answer: Callable) -> str | None:
    """Checks the frontier of a few points, two of them with equal errors."""
    if mistake := _ties(answer):
        return mistake
    n, v, _ = MODELS
    for known in stored("a3.q1"):
        found, right = np.asarray(answer(*MODELS, known["q"])), known["right"]
        if np.array_equal(found, right):
            continue
        if mistake := _wrong_form(found, np.array(right), n.size):
            return mistake
        for sentence, models in known["mistakes"].items():
            if set(found.tolist()) == set(models):
                return sentence
        return _first_difference(n, v, found, np.array(right), known["q"])
    return None


def _wrong_form(found: np.ndarray, right: np.ndarray, count: int) -> str | None:
    """The mistake in what was returned, whatever was compared."""
    one_more = found.dtype != bool and set(found - 1) == set(right)
    if one_more or (found.dtype != bool and not set(found) <= set(range(count))):
        return (
            f"you returned the index {found.max():g} for {count} models: indices "
            f"begin at 0 and end at {count - 1}."
        )
    if found.size == 0:
        return (
            "nothing is on your frontier: each model is as good as itself, so "
            "only one that is better in cost or in error beats it."
        )
    if found.dtype == bool or found.size == count:
        return (
            f"you returned {found.size} values for {count} models: return the "
            "indices of those on the frontier only."
        )
    if set(found.tolist()) == set(right.tolist()):
        return "these are the right models in another order: begin with the cheapest."
    return None


def _ties(answer: Callable) -> str | None:
    """The mistake for models with equal cost or equal error."""
    n, v = np.array([1.0, 2, 1, 4]), np.array([3.0, 1, 7, 3])  # T = 4, 2, 8, 4
    error = np.array([0.5, 0.4, 0.4, 0.3])
    found = np.sort(np.asarray(answer(n, v, error, 0)))
    mistaken = {
        "of two models with equal cost both are on your frontier: the one with the "
        "higher error is dominated.": [0, 1, 3],
        "of two models with equal error both are on your frontier: the more expensive "
        "one is dominated.": [1, 2, 3],
        "ties are kept on your frontier: a model is dominated if another is better in "
        "one of the two and no worse in the other.": [0, 1, 2, 3],
    }
    for sentence, models in mistaken.items():
        if np.array_equal(found, models):
            return sentence
    return None


def _first_difference(
    n: np.ndarray, v: np.ndarray, found: np.ndarray, right: np.ndarray, q: int
) -> str:
    extra, missing = np.setdiff1d(found, right), np.setdiff1d(right, found)
    i = int(extra[0] if extra.size else missing[0])
    model = f"with Q = {q} the model with N = {n[i]:g} and V = {v[i]:g}"
    if extra.size:
        return (
            f"{model} is on your frontier, but another has no higher cost and no "
            "higher error and is better in one of them."
        )
    return f"{model} is missing from your frontier: no other beats it in both."


def q3(answer: Callable) -> str | None:
    """Checks the interior optimum and its corner cases."""
    found, known = float(answer(*PRINTED, TEXT_TOKENS)), stored("a3.q3")
    right = known["right"]
    if abs(found - right) > NEAR * right:
        for sentence, value in known["mistakes"].items():
            if abs(found - value) < NEAR * abs(value) + 1e-9 or (
                found == 1 and value < 1
            ):
                return sentence
        return (
            f"at alpha = {PRINTED[0]}, beta = {PRINTED[1]} and Q = {TEXT_TOKENS} the "
            f"least error is at V = {right:.2f}; you have {found:.4g}."
        )
    return _q3_corners(answer)


def _q3_corners(answer: Callable) -> str | None:
    if abs((found := float(answer(*PRINTED, 0))) - 1) > NEAR:
        return (
            "you forgot the clip at one token: at Q = 0 the formula gives less, and "
            f"you returned {found:g}."
        )
    if abs((found := float(answer(*PRINTED, 1e6))) / 576 - 1) > NEAR:
        return (
            "you forgot `largest`: at a very long question you returned V = "
            f"{found:g}, more than the encoder gives."
        )
    if abs((found := float(answer(*PRINTED, 1e6, 144))) / 144 - 1) > NEAR:
        return (
            "you ignored the argument `largest`: it was 144 and you returned "
            f"{found:g}."
        )
    for alpha, beta, what in (
        (0.03, 0.04, "alpha < beta"),
        (0.04, 0.04, "alpha = beta"),
    ):
        try:
            found = float(answer(alpha, beta, 50))
        except StoppedError as error:
            if "ZeroDivisionError" in str(error):
                return (
                    "at alpha = beta you divide by zero: there the error falls "
                    "with every token, so take the largest V."
                )
            raise
        if abs(found / 576 - 1) > NEAR:
            return (
                f"for {what} you returned {found:g}: there the error falls with "
                "every token, so take the largest V."
            )
    return None
