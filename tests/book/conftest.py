"""The chapters of the table of contents as notebooks."""

import re
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parents[2]


def chapters() -> list[Path]:
    """Every file of the table of contents."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [
        toc["root"],
        *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"]),
    ]
    return [ROOT / f"{name}.ipynb" for name in files]


def teaching_chapters() -> list[Path]:
    """Chapters that teach: those in the parts between Start and Assignments."""
    return [
        path
        for path in chapters()
        if path.parent.name not in ("book", "start", "assignments", "back")
    ]


def code_cells(path: Path) -> list[str]:
    """Sources of a notebook's code cells."""
    return [
        cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"
    ]


def code_and_text_blocks(path: Path, before: str = "") -> list[str]:
    """A notebook's code cells, and the Python blocks of its text where they stand: all, or those that follow `before` in their cell."""
    pattern = re.compile(rf"{before}```python\n(.*?)```", re.DOTALL)
    cells = nbformat.read(path, 4).cells
    return [
        block
        for cell in cells
        for block in (
            [cell.source] if cell.cell_type == "code" else pattern.findall(cell.source)
        )
    ]


@pytest.fixture(params=chapters(), ids=lambda path: path.stem)
def chapter(request):
    return request.param


@pytest.fixture(params=teaching_chapters(), ids=lambda path: path.stem)
def teaching_chapter(request):
    return request.param
