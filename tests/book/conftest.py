"""The pages of the table of contents, and their notebooks as fixtures."""

import re
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parents[2]


def pages() -> list[Path]:
    """Every page of the table of contents: a notebook, or a text without code."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    parts = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    texts = [ROOT / f"{name}.md" for name in (toc["root"], *parts)]
    return [path if path.exists() else path.with_suffix(".ipynb") for path in texts]


def chapters() -> list[Path]:
    """Every notebook of the table of contents."""
    return [path for path in pages() if path.suffix == ".ipynb"]


def teaching_chapters() -> list[Path]:
    """The chapters that teach, between Start and Assignments."""
    other = ("book", "start", "assignments", "back")
    return [path for path in chapters() if path.parent.name not in other]


def sources(path: Path, kind: str) -> list[str]:
    """Sources of a notebook's cells of one kind, "code" or "markdown"."""
    cells = nbformat.read(path, 4).cells
    return [cell.source for cell in cells if cell.cell_type == kind]


def prose(path: Path) -> str:
    """The text of a page; of a notebook, its markdown cells."""
    if path.suffix == ".md":
        return path.read_text()
    return "\n\n".join(sources(path, "markdown"))


def code_and_text_blocks(path: Path, before: str = "") -> list[str]:
    """A notebook's code cells and the Python blocks of its text, in their order.

    Args:
        path: of the notebook.
        before: regular expression that precedes a block of text in its cell.
    """
    pattern = re.compile(rf"{before}```python\n(.*?)```", re.DOTALL)
    return [
        block
        for cell in nbformat.read(path, 4).cells
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
