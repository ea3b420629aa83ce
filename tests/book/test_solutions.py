"""Solutions of exercises are text to the build of the book, so they are executed here, after their chapter and with hardly any training."""

import re

import nbformat
import pytest
from nbclient import NotebookClient

SOLUTION = re.compile(r"\{solution\}.*?```python\n(.*?)```", re.DOTALL)


def with_solutions(path):
    """A chapter's code in its smallest size, each solution where it stands."""
    cells = []
    for cell in nbformat.read(path, 4).cells:
        blocks = [cell.source] if cell.cell_type == "code" else SOLUTION.findall(cell.source)
        cells += [nbformat.v4.new_code_cell(block.replace('PRESET = "cpu"', 'PRESET = "smoke"')) for block in blocks]
    assert sum('PRESET = "smoke"' in cell.source for cell in cells) == 1
    return nbformat.v4.new_notebook(cells=cells)


@pytest.mark.slow
def test_a_chapter_and_its_solutions_run(teaching_chapter):
    notebook = with_solutions(teaching_chapter)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(teaching_chapter.parent)}}).execute()
    assert all(cell.execution_count for cell in notebook.cells)
