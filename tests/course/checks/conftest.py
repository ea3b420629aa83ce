"""The functions of A3's master notebook, which the checks have to like."""

from types import SimpleNamespace

import nbformat
import pytest

from tests.book.conftest import ROOT

MASTER = ROOT / "book" / "assignments" / "masters" / "a3_fit_the_law.ipynb"


@pytest.fixture(scope="session")
def right():
    """The names that the master's imports and solutions define."""
    names = {}
    for cell in nbformat.read(MASTER, 4).cells:
        if cell.cell_type == "code" and (
            "### BEGIN SOLUTION" in cell.source or "from vlmcore import" in cell.source
        ):
            exec(cell.source, names)
    return SimpleNamespace(**names)
