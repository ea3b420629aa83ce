"""The book and the code use the field's terms."""

import re
import subprocess
from pathlib import Path

import nbformat
import pytest

from tests.book.conftest import ROOT

LIST = Path(__file__).with_name("words.txt")
DATED = ("LOG.md", "PLAN.md")


def phrases() -> list[str]:
    """Regular expressions of the list, without their explanations."""
    lines = LIST.read_text().splitlines()
    return [re.sub(r"\s{2,}\(.*", "", x) for x in lines if x and x[0] != "#"]


PATTERN = re.compile(rf"\b(?:{'|'.join(phrases())})(?!\w)", re.IGNORECASE)


def found(text: str) -> list[str]:
    """Phrases of the list in a text, each with its surroundings."""
    flat = re.sub(r"[\s#]+", " ", text)
    return [
        f"...{flat[max(0, m.start() - 30) : m.end() + 30]}..."
        for m in PATTERN.finditer(flat)
    ]


def texts() -> list[Path]:
    """Tracked files with text for people, logs and plans aside."""
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.ipynb", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [ROOT / name for name in listed.stdout.splitlines()]
    other = (*DATED, Path(__file__).name)  # this file has examples of the phrases
    return [path for path in paths if path.name not in other and path.exists()]


def text_of(path: Path) -> str:
    """The text of a file: of a notebook its cells and its figures' descriptions."""
    if path.suffix != ".ipynb":
        return path.read_text()
    cells = nbformat.read(path, 4).cells
    return "\n".join(
        f"{cell.source}\n{cell.metadata.get('mystnb', {})}" for cell in cells
    )


@pytest.mark.parametrize("line", ["It was schooled\nbefore.", "The  race is on."])
def test_a_phrase_is_found_across_lines_and_cases(line):
    assert found(line) and not found("A trace of the reached places")


@pytest.mark.parametrize("part", ["book", "tests", "vlmcore", "."])
def test_the_fields_terms_are_used(part):
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout, so there is no list of its files")
    inside = [
        path
        for path in texts()
        if (path.relative_to(ROOT).parts[0] if path.parent != ROOT else ".") == part
    ]
    assert inside
    other = {
        str(path.relative_to(ROOT)): hits
        for path in inside
        if (hits := found(text_of(path)))
    }
    assert not other
