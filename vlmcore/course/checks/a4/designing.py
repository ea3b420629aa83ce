"""Question 2 of A4: which runs to buy, judged by the variance of the prediction."""

from collections.abc import Callable, Sequence

import numpy as np

from vlmcore.course.lab import HELD_OUT, SEED_NOISE, SEEDS, Lab, Law, price_of_run

PRIORS = (Law(0.28, 0.2, 0.08, 0.06), Law(0.28, 0.18, 0.3, 0.06))
"""Laws at which a design is judged; what is true is not known before it is bought."""
GOAL = 16
"""V of the held-out model whose error is to be predicted."""


def prediction_variance(cells: Sequence[Sequence[float]], count: int = 6000) -> float:
    """Returns the variance of the predicted error, relative to one run's, at the worst.

    Args:
        cells: pairs or triples that begin with N and V; those with V = 0 tell nothing.
        count: questions of the test set.

    Returns:
        Infinity if the cells do not determine the four parameters.
    """
    rows = [cell for cell in cells if cell[1] > 0]
    worst = 0.0
    for law in PRIORS:
        if len(rows) < 4:
            return float("inf")
        slopes = np.array([_slopes(law, n, v) for n, v, *_ in rows])
        error = np.array([law.error(n, v) for n, v, *_ in rows])
        noise = (SEED_NOISE * error) ** 2 + error * (1 - error) / count
        information = (slopes / noise[:, None]).T @ slopes
        if np.linalg.cond(information) > 1e12:
            return float("inf")
        goal = _slopes(law, HELD_OUT, GOAL)
        variance = goal @ np.linalg.solve(information, goal)
        worst = max(
            worst, float(variance / (SEED_NOISE * law.error(HELD_OUT, GOAL)) ** 2)
        )
    return worst


def _slopes(law: Law, n: float, v: float) -> np.ndarray:
    """Returns the derivatives of the error by scale, alpha, beta and floor."""
    power = (n / 1e6) ** -law.alpha * v**-law.beta
    by_alpha, by_beta = -np.log(n / 1e6), -np.log(v)
    return np.array([power, *(law.scale * power * d for d in (by_alpha, by_beta)), 1])


def q2(answer: Callable) -> str | None:
    """Checks the purchases for two budgets."""
    menu = Lab("public").menu()
    for budget in (2.0, 5.0):
        if mistake := wrong_design(answer(menu, budget), budget):
            return f"with a budget of {budget:g}: {mistake}"
    return None


def wrong_design(cells: Sequence[Sequence[float]], budget: float) -> str | None:
    """Returns the mistake in a list of purchases, if there is one."""
    known = {(entry["n"], entry["v"]) for entry in Lab("public").menu()}
    bought: set[tuple[float, ...]] = set()
    paid = 0.0
    for i, cell in enumerate(cells):
        if (
            len(cell) != 3
            or (cell[0], cell[1]) not in known
            or cell[2] not in range(SEEDS)
        ):
            return (
                f"purchase {i} is {list(cell)}, which is not on the menu: give N, V "
                f"and a seed below {SEEDS}."
            )
        paid += 0 if tuple(cell) in bought else price_of_run(cell[0], cell[1])
        bought.add(tuple(cell))
        if paid > budget + 1e-9:
            return f"purchase {i} breaks the budget: {paid:.3f} is spent by then."
    seeing = [cell for cell in bought if cell[1] > 0]
    sizes, tokens = {cell[0] for cell in seeing}, {cell[1] for cell in seeing}
    if len(sizes) < 2:
        return "alpha cannot be told: all runs that see have one N."
    if len(tokens) < 2:
        return "beta cannot be told: all runs that see have one V."
    if paid < 0.6 * budget:
        return f"only {paid / budget:.0%} are spent, and what is left buys nothing."
    if len({cell[:2] for cell in seeing}) == len(seeing):
        return "without two seeds of one run nobody knows the noise."
    if not np.isfinite(prediction_variance(seeing)):
        return "four parameters are to be fitted: these runs do not determine them."
    return None
