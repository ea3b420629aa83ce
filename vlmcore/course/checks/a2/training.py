"""Question 6 of A2: a training in which only the question tells where to look."""

from collections.abc import Callable

import numpy as np

STEPS = 150
LOW, HIGH = 0.4, 0.6
"""Shares of the first loss below and above which the last ones have to be."""


def q6(answer: Callable) -> str | None:
    """Checks the losses of two seeds with the question, and of one without it."""
    return wrong_training(answer, 0)


def wrong_training(answer: Callable, seed: int) -> str | None:
    """Returns the mistake in trainings from a seed and from the next one."""
    curves = [answer(seed, True, STEPS), answer(seed + 1, True, STEPS)]
    blind = answer(seed, False, STEPS)
    for curve in (*curves, blind):
        if np.shape(curve) != (STEPS,) or not np.isfinite(curve).all():
            return f"return the loss of each step: {STEPS} finite numbers."
    if np.allclose(curves[0], curves[1]):
        return (
            "two seeds gave the same losses: the seed has to decide weights and data."
        )
    first, last, without = (
        float(np.mean(part)) for part in (curves[0][:5], curves[0][-15:], blind[-15:])
    )
    if np.allclose(curves[0], blind):
        return "with and without the question the losses are the same: use `inject`."
    if last > 0.9 * first:
        return (
            f"the loss stays at {last:.2f}: are the weights updated, and the gradients "
            "set to zero before each step?"
        )
    if last > LOW * first:
        return (
            f"the loss falls from {first:.2f} to {last:.2f} only. Does each image keep "
            "its own question and answer?"
        )
    if without < HIGH * first:
        return (
            f"without the question the loss falls to {without:.2f} of {first:.2f}: the "
            "question reaches the tokens by another way."
        )
    return None
