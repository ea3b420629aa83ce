"""The ledger: every headline number of the book, recomputed from files on each call.

`vlmcore report` prints it. No number is typed in here, and torch is not imported.
"""

from pathlib import Path

from vlmcore.experiments.analysis.ledger_entries import (
    ENTRIES,
    Entry,
    published_entries,
)


def ledger(results: str | Path) -> list[Entry]:
    """Every headline number.

    Args:
        results: folder with the results of all experiments, such as `book/results`.

    Raises:
        FileNotFoundError: results of an experiment are missing.
    """
    folder = Path(results)
    missing = [name for name in ENTRIES if not any((folder / name).glob("*.json"))]
    if missing:
        raise FileNotFoundError(
            f"{folder} has no results of {', '.join(missing)}, so the ledger would be "
            "incomplete; give the folder that holds all of them, such as book/results"
        )
    return [
        *published_entries(),
        *(entry for entries in ENTRIES.values() for entry in entries(folder)),
    ]
