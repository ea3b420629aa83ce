"""Question 2 of A4: which runs to buy. Grading judges how good a list is."""

from collections.abc import Callable, Sequence

from vlmcore.course.lab import SEEDS, Lab, price_of_run


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
    if len({cell[:2] for cell in seeing}) < 4:
        return "four parameters are to be fitted: these runs do not determine them."
    return None
