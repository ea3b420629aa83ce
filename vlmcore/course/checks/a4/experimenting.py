"""Question 6 of A4: the ledger of the student's own experiment, run once more."""

import json
from collections.abc import Callable
from typing import Any

from vlmcore.course.lab import SIZES, Lab, chained

BUDGET = 4.0


def q6(answer: Callable) -> str | None:
    """Checks a ledger against the laboratory of the student that it names."""
    text = answer()
    try:
        student = json.loads(text)["student"]
    except (KeyError, TypeError, ValueError):
        return "return the text of `lab.ledger()`."
    return wrong_ledger(text, f"{student}")


def wrong_ledger(text: str, student: str) -> str | None:
    """Returns the mistake in a ledger, if there is one.

    Args:
        text: of `Lab.ledger`.
        student: the registered name; another student's laboratory has other results.
    """
    try:
        ledger = json.loads(text)
        named, entries = ledger["student"], ledger["entries"]
        runs = [entry for entry in entries if "result" in entry]
        if named.strip().casefold() != student.strip().casefold():
            return f"this is the ledger of {named}, and you are {student}."
        if ledger["budget"] != BUDGET:
            return f"your budget was {ledger['budget']:g}; {BUDGET:g} were given."
        return (
            _broken_chain(named, entries)
            or _not_repeated(Lab(named, BUDGET), runs)
            or _not_registered(entries)
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return f"the ledger cannot be read, {type(error).__name__}: {error}"


def _broken_chain(named: str, entries: list[dict[str, Any]]) -> str | None:
    before = named
    for i, entry in enumerate(entries):
        written = {name: part for name, part in entry.items() if name != "hash"}
        if entry["hash"] != chained(written, before):
            return (
                f"entry {i} of the ledger was changed, or one before it was removed: "
                "its hash does not fit."
            )
        before = entry["hash"]
    return None


def _not_repeated(lab: Lab, runs: list[dict[str, Any]]) -> str | None:
    """The mistake in runs of which the laboratory says something else."""
    if not runs:
        return "nothing was bought yet."
    for entry in runs:
        name = f"N = {entry['n']}, V = {entry['v']}, seed {entry['seed']}"
        before = lab.left
        result = lab.run(entry["n"], entry["v"], entry["seed"])  # raises if too dear
        if result != entry["result"]:
            return (
                f"the ledger says {entry['result']['error']:.4f} for {name}, and the "
                f"laboratory {result['error']:.4f}."
            )
        if abs(before - lab.left - entry["price"]) > 1e-9:
            return f"{name} costs {before - lab.left:.3f}, not {entry['price']:.3f}."
    return None


def _not_registered(entries: list[dict[str, Any]]) -> str | None:
    large = [i for i, e in enumerate(entries) if e.get("n") in SIZES[-2:]]
    registered = [i for i, e in enumerate(entries) if e.get("predictions")]
    if not large:
        return "no run of the two largest sizes was bought: they test a prediction."
    if not registered or registered[0] > large[0]:
        return (
            "nothing was registered before the first run of the two largest sizes: "
            "`lab.register` comes first."
        )
    return None
