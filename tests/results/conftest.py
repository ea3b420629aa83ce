from pathlib import Path

import pytest

from vlmcore.experiments.analysis.headline_numbers import ledger
from vlmcore.scaling import Interval


@pytest.fixture(scope="session")
def results() -> Path:
    return Path("book/results")


@pytest.fixture(scope="session")
def numbers(results) -> dict[str, Interval]:
    """The ledger's numbers by name."""
    return {entry.name: entry.number for entry in ledger(results)}
