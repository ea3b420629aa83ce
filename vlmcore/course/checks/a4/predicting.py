"""Questions 3 and 4 of A4: the fit, and a prediction with an interval."""

from collections.abc import Callable
from typing import Any

import numpy as np

from vlmcore.course.checks.tables import stored
from vlmcore.course.lab import HELD_OUT, SIZES, TOKENS, Lab, Law

Rows = list[dict[str, Any]]
"""Results as `Lab.run` returns them: n, v, seed, error and count."""
PUBLIC_RUNS = [(n, v, s) for n in SIZES for v in (1, 4, 36, 144) for s in (0, 1)]


def exact(law: Law, count: int = 10**7) -> Rows:
    """Returns results without noise, one seed of each size and V."""
    return [
        {"n": n, "v": v, "seed": 0, "error": law.error(n, v), "count": count}
        for n in SIZES
        for v in TOKENS
    ]


def public_results(student: str = "public") -> Rows:
    """Returns the noisy results on which the check compares intervals."""
    lab = Lab(student)
    return [lab.measure(*run) for run in PUBLIC_RUNS]


def q3(answer: Callable) -> str | None:
    """Checks laws without noise, one below zero, blind rows, and small counts."""
    law = Law(0.3, 0.2, 0.12, 0.05)
    found = np.asarray(answer(exact(law)), float)
    if found.shape != (3,):
        return "return three numbers: alpha, beta and the floor."
    right = np.array([law.alpha, law.beta, law.floor])
    if np.allclose(found, right[[1, 0, 2]], rtol=0.02):
        return "alpha and beta are exchanged: alpha belongs to N."
    if abs(found[2]) < 1e-4:
        return (
            "your floor is 0 on a law with a floor: a line through logarithms has none."
        )
    if not np.allclose(found, right, rtol=0.02):
        return (
            f"a law without noise, alpha = {law.alpha}, beta = {law.beta}, floor = "
            f"{law.floor}, came back as {found.round(3).tolist()}. Fit N and V of "
            "each row; do not average over either."
        )
    found = np.asarray(answer(exact(Law(0.45, 0.1, 0.05, -0.08))), float)
    if found[2] < -1e-6:
        return f"your floor is {found[2]:.3f}, and an error is never below zero."
    return _q3_rows(answer, law, right)


def _q3_rows(answer: Callable, law: Law, right: np.ndarray) -> str | None:
    """The mistake for rows that have no V, and for rows that tell little."""
    blind = [
        {"n": n, "v": 0, "seed": 0, "error": law.error(n, 0), "count": 6000}
        for n in SIZES
    ]
    if not np.allclose(answer([*blind, *exact(law)]), right, rtol=0.02):
        return (
            "rows with V = 0 changed your fit: a blind model has no V, so keep it as "
            "the line of chance and out of the fit."
        )
    few = [
        row | {"error": row["error"] + 0.15, "count": 12, "seed": 1}
        for row in exact(law)
        if row["v"] == 1
    ]
    if not np.allclose(answer([*exact(law), *few]), right, rtol=0.1):
        return (
            "rows with 12 questions moved your fit as much as rows with thousands: "
            "weight each by its variance, error * (1 - error) / count and the seed's."
        )
    return None


def q4(answer: Callable) -> str | None:
    """Checks intervals at 80 % against recorded ones."""
    results = public_results()
    for v, (low, mid, high) in stored("a4.q4").items():
        found = [float(x) for x in answer(results, HELD_OUT, int(v))]
        if mistake := _wrong_prediction(found, low, mid, high):
            return f"for V = {v} you predict {np.round(found, 4).tolist()}: {mistake}"
    return None


def _wrong_prediction(
    found: list[float], low: float, mid: float, high: float
) -> str | None:
    if len(found) != 3 or not found[0] < found[1] < found[2]:
        return "return the lower end, the middle and the upper end, in this order."
    if found[1] > 1:
        return "that is in per cent; return shares."
    share = (found[2] - found[0]) / (high - low)
    if share > 1.75:
        return "too careful: an interval from 0 to 1 is always right and says nothing."
    if abs(found[1] - mid) > 1.5 * (high - low):
        return f"the middle should be near {mid:.3f}."
    if share < 0.6:
        return (
            "too sure. That is the interval of the law's mean: a new run has its "
            "seed's luck and a test set of its own."
        )
    if share > 1.35:
        return "that is as wide as an interval at 95 %; 80 % are asked for."
    return None
