"""Every notebook as Colab runs it: from an empty folder, by its own set-up cell.

`make colab` runs this apart from `make test`, with the preset `smoke`. Solutions of
exercises, which the build shows as text, run after the code that they follow.
`.venv-colab` has the versions of `colab.txt`. Each process works in a copy of it with a
home of its own, so that the first set-up cell finds Colab as it is; git clones the last
commit of this checkout in place of the address.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.book.conftest import ROOT, chapters, code_and_text_blocks, sources
from tests.book.test_repository import address

COLAB = ROOT / ".venv-colab"
RAISED = {"transformers", "tokenizers", "huggingface_hub"}
"""All that a set-up cell may change: transformers, and what each release asks for."""
INSTALLED = """
import json
from importlib.metadata import distributions
found = {dist.metadata["Name"]: dist for dist in distributions()}
files = {name: dist._path / "RECORD" for name, dist in found.items()}
marks = {name: (p.stat().st_mtime, p.stat().st_ino) for name, p in files.items()}
print(json.dumps({name: (found[name].version, *mark) for name, mark in marks.items()}))
"""


def recorded_minutes(path: Path) -> float:
    """Of a chapter's execution in the book, 0 where there is no record."""
    record = ROOT / "book" / "results" / "chapters" / f"{path.stem}.json"
    return json.loads(record.read_text())["minutes"] if record.exists() else 0.0


NOTEBOOKS = sorted(
    (path for path in chapters() if sources(path, "code")),
    key=recorded_minutes,
    reverse=True,  # a long one at the end would keep one process waiting
)


def link(source: str, target: str) -> None:
    """A second name of a file, or a copy where the file system differs."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def installed(python: Path) -> dict[str, list[str | float]]:
    """Version, time and inode of every installed package."""
    done = subprocess.run(
        [python, "-I", "-c", INSTALLED], capture_output=True, check=True
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def python(tmp_path_factory):
    """The interpreter of a copy of Colab's environment."""
    copy = tmp_path_factory.mktemp("colab") / "env"
    shutil.copytree(COLAB, copy, symlinks=True, copy_function=link)
    return copy / "bin" / "python"


@pytest.fixture(scope="session")
def before(python):
    return installed(python)


def environment(home: Path) -> dict[str, str]:
    """Without this process's packages and caches; git clones this checkout.

    The copy keeps bytecode, or every kernel would compile its imports again.
    """
    mine = ("PYTHONPATH", "VIRTUAL_ENV", "MPLBACKEND", "PYTHONDONTWRITEBYTECODE")
    return {name: v for name, v in os.environ.items() if name not in mine} | {
        "HF_HUB_OFFLINE": "1",
        "PIP_NO_COMPILE": "1",  # most of what pip installs is never imported
        "HOME": str(home),
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"url.file://{ROOT}.insteadOf",
        "GIT_CONFIG_VALUE_0": address.current(),
        "GIT_CONFIG_KEY_1": "safe.directory",
        "GIT_CONFIG_VALUE_1": "*",
    }


@pytest.fixture
def kernel(python, tmp_path, monkeypatch):
    """The name of a kernel of that interpreter."""
    spec = {
        "argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Colab",
        "language": "python",
    }
    folder = tmp_path / "jupyter" / "kernels" / "colab"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    return folder.name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_an_empty_folder(path, kernel, python, before, tmp_path):
    solved = path.parent / "masters" / path.name
    blocks = code_and_text_blocks(
        solved if solved.exists() else path, before=r"\{solution\}.*?"
    )
    code = [block.replace('PRESET = "cpu"', 'PRESET = "smoke"') for block in blocks]
    cells = [nbformat.v4.new_code_cell(block) for block in code]
    notebook = nbformat.v4.new_notebook(cells=cells)
    empty = tmp_path / "content"
    empty.mkdir()
    NotebookClient(
        notebook,
        timeout=900,
        kernel_name=kernel,
        resources={"metadata": {"path": str(empty)}},
    ).execute(env=environment(python.parents[2]))

    assert all(cell.execution_count for cell in notebook.cells)
    assert [folder.name for folder in empty.iterdir()] == ["one-visual-token"]
    now = installed(python)
    changed = {name for name in before if now.get(name) != before[name]}
    assert changed <= RAISED, {name: (before[name], now.get(name)) for name in changed}
