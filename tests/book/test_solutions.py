"""Solutions of exercises run after their chapter, with hardly any training.

The build shows solutions as text and does not execute them.
"""

import nbformat
import pytest
from nbclient import NotebookClient

from tests.book.conftest import code_and_text_blocks


@pytest.mark.slow
def test_a_chapter_and_its_solutions_run(teaching_chapter):
    blocks = [
        block.replace('PRESET = "cpu"', 'PRESET = "smoke"')
        for block in code_and_text_blocks(teaching_chapter, before=r"\{solution\}.*?")
    ]
    assert sum('PRESET = "smoke"' in block for block in blocks) == 1
    cells = [nbformat.v4.new_code_cell(block) for block in blocks]
    notebook = nbformat.v4.new_notebook(cells=cells)
    folder = {"metadata": {"path": str(teaching_chapter.parent)}}
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources=folder
    ).execute()
    assert all(cell.execution_count for cell in notebook.cells)
