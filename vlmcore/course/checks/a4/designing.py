"""Question 2 of A4: which runs to buy, at once or one by one.

Grading judges how good they are.
"""

from collections.abc import Callable, Sequence

from vlmcore.course.lab import SEEDS, Lab, price_of_run

BUDGET, ASKED = 3.0, 40
"""The budget for runs that are bought one by one, and how many there are at most."""


def q2(answer: Callable) -> str | None:
    """Checks the purchases for two budgets."""
    menu = Lab("public").menu()
    for budget in (2.0, 5.0):
        if mistake := wrong_design(answer(menu, budget), budget):
            return f"with a budget of {budget:g}: {mistake}"
    return None


def q2_next(answer: Callable) -> str | None:
    """Checks the purchases that `next_cell` makes in a laboratory."""
    try:
        found = purchases(answer, Lab("public", BUDGET))
    except NotImplementedError:
        return "not written, which costs nothing: grading asks `design` then."
    return found if isinstance(found, str) else None


def purchases(answer: Callable, lab: Lab) -> list[tuple[int, int, int]] | str:
    """Returns what is bought one by one, or the mistake in it.

    Args:
        answer: takes the results so far, the menu and the rest of the budget, and
            returns N, V and seed of the next run, or None when it is done.
        lab: where runs are bought; it has nothing in its ledger yet.
    """
    bought: list[tuple[int, int, int]] = []
    results: list[dict[str, float]] = []
    while len(bought) < ASKED:
        cell = answer(list(results), lab.menu(), lab.left)
        if cell is None:
            break
        try:
            n, v, seed = map(int, cell)
            results.append(lab.run(n, v, seed))
        except (TypeError, ValueError) as error:
            return (
                f"purchase {len(bought)} is {cell}: {error}. Return N, V and seed of a "
                "run that `rest` pays, or None to stop."
            )
        if (n, v, seed) in bought:
            return (
                f"purchase {len(bought)}, N = {n}, V = {v}, seed {seed}, is in "
                "`results` already: a run that is repeated says nothing new."
            )
        bought.append((n, v, seed))
    return wrong_design(bought, lab.budget) or bought


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
    if len({cell[:2] for cell in seeing}) < 4:
        return "four parameters are to be fitted: these runs do not determine them."
    return None
