"""Small notebooks to grade."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook


@pytest.fixture(scope="session")
def write():
    """Writes code cells as a notebook: `write(path, "a = 1", "print(a)")`."""

    def write(path, *cells):
        path.parent.mkdir(exist_ok=True)
        nbformat.write(
            new_notebook(cells=[new_code_cell(cell) for cell in cells]), path
        )
        return path

    return write
