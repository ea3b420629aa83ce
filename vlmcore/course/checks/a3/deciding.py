"""Question 7 of A3: a decision from data, or that they do not allow one."""

from collections.abc import Callable

import numpy as np

from vlmcore.course.checks.a3.points import ModelArrays, small_sample
from vlmcore.course.checks.tables import stored
from vlmcore.course.variants import variant
from vlmcore.scaling import Product

VERDICTS = ("few", "all", "cannot tell")
TEXT_TOKENS = 30


def own_points(student: str) -> ModelArrays:
    """Returns the nine models that this student decides about."""
    return some_points(variant("a3", student, "q7"))


def some_points(rng: np.random.Generator, ratio: float | None = None) -> ModelArrays:
    """Returns nine points of a law with noise.

    Args:
        rng: decides the law and the noise.
        ratio: alpha / beta of the law; by default between 0.6 and 1.8.
    """
    ratio = ratio or float(rng.uniform(0.6, 1.8))
    beta = float(rng.uniform(0.1, 0.2))
    law = Product(float(rng.uniform(0.3, 0.5)), ratio * beta, beta, 0.04)
    return small_sample(law, int(rng.integers(1_000_000)), noise=0.02)


def decision_cases() -> list[ModelArrays]:
    """Returns the points on which decisions are checked, one set of each kind."""
    drawn = ((4, 2.0), (3, 0.5), (6, 1.05))
    return [some_points(np.random.default_rng(seed), ratio) for seed, ratio in drawn]


def q7(answer: Callable) -> str | None:
    """Checks one data set of each kind."""
    for points, right in zip(decision_cases(), stored("a3.q7"), strict=True):
        if mistake := wrong_decision(answer, points, right):
            return mistake
    return None


def wrong_decision(
    answer: Callable,
    points: ModelArrays,
    right: tuple[str, float | None, float, float],
) -> str | None:
    """Returns the mistake in a decision about points, if there is one.

    Args:
        answer: the student's function.
        points: the nine models.
        right: the right verdict, V, and the ends of the interval.
    """
    found = answer(*points, TEXT_TOKENS)
    if len(found) != 4 or found[0] not in VERDICTS:
        return (
            "return four things: the verdict, one of "
            f"{', '.join(map(repr, VERDICTS))}, the V to use or None, and both ends "
            "of the interval."
        )
    verdict, tokens, low, high = right
    width = high - low
    if max(abs(found[2] - low), abs(found[3] - high)) > 0.05 * width:
        return (
            f"your interval of alpha / beta is {found[2]:.3g} to {found[3]:.3g}; at "
            f"95 % it is {low:.3g} to {high:.3g}. Does `ratio_interval` pass its check?"
        )
    if found[0] != verdict:
        return _wrong_verdict(found[0], verdict, low, high)
    if (found[1] is None) != (tokens is None):
        return (
            "where the data do not decide there is no V to recommend: return None, and "
            "a number otherwise."
        )
    if tokens is not None and abs(found[1] - tokens) > 0.02 * tokens:
        return (
            f"the verdict is right and V is not: with Q = {TEXT_TOKENS} it is "
            f"{tokens:.3g}, and you have {found[1]:.3g}. Use the best ratio, and 576 "
            "at most."
        )
    return None


def _wrong_verdict(found: str, right: str, low: float, high: float) -> str:
    where = f"the interval is {low:.3g} to {high:.3g}"
    if right == "cannot tell":
        return (
            f"{where} and contains 1: these data do not say whether alpha or beta is "
            "larger, and the best fit alone is no reason to decide."
        )
    if found == "cannot tell":
        return f"{where} and does not contain 1: these data do decide."
    return (
        f"{where}: alpha > beta means that few tokens are best, alpha < beta that all "
        "are. You have it the other way round."
    )
