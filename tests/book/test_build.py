"""The build: what is executed again, and what a failing chapter does to the others."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
FILES = {
    "requirements.txt": "",
    "_toc.yml": "format: jb-book\nroot: a\nchapters:\n"
    "- file: b\n- file: c\n- file: d\n",
    "_config.yml": "title: t\nexecute: {execute_notebooks: cache}\n",
    "vlmcore/__init__.py": "from vlmcore.near import door",
    "vlmcore/near.py": "from vlmcore.far.deep import x\ndoor = 1",
    "vlmcore/far/__init__.py": "",
    "vlmcore/far/deep.py": "x = 1",
    "vlmcore/far/data.csv": "1",
    "vlmcore/alone.py": "",
    "book/results/grid/1.json": "{}",
    "book/results/real/1.json": "{}",
}
CODE = {
    "a": "from vlmcore import door\nprint(door, 'seen')",
    "b": "from vlmcore import alone\n1 / 0",
    "c": "print(open('book/results/grid/1.json').read())  # ../results/grid",
    "d": "raise NotImplementedError",
}


@pytest.fixture
def project(tmp_path):
    """A book of three pages with code, a package, and results."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name, code in CODE.items():
        cells = [nbformat.v4.new_markdown_cell(f"# {name}")]
        notebook = nbformat.v4.new_notebook(
            cells=[*cells, nbformat.v4.new_code_cell(code)]
        )
        notebook.metadata["mystnb"] = {
            "execution_mode": "off" if name == "d" else "cache"
        }
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    shutil.copytree(ROOT / "book" / "_ext", tmp_path / "book" / "_ext")
    return tmp_path


def in_project(project: Path, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project / "book" / "_ext",
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("change", "pages"),
    [
        ("vlmcore/far/deep.py", "a"),  # through another module
        ("vlmcore/far/data.csv", "a"),
        ("vlmcore/alone.py", "b"),
        ("vlmcore/__init__.py", "ab"),
        ("book/results/grid/1.json", "c"),
        ("book/results/real/1.json", ""),
        ("requirements.txt", "abc"),
    ],
)
def test_a_change_reaches_the_chapters_that_depend_on_it(project, change, pages):
    keys = (
        "import json; from build import chapters, key;"
        "print(json.dumps({page.stem: key(page) for page in chapters()}))"
    )
    before = json.loads(in_project(project, keys))
    (project / change).write_text("y = 2")
    after = json.loads(in_project(project, keys))
    assert "".join(page for page in "abc" if before[page] != after[page]) == pages


def build(project: Path) -> tuple[int, str, str]:
    command = [sys.executable, project / "book" / "_ext" / "build.py"]
    env = os.environ | {"PYTHONPATH": str(project)}
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_a_failing_chapter_is_named_and_the_others_are_shown(project):
    status, out, err = build(project)
    assert status == 1 and "a.ipynb executed" in out
    assert "b.ipynb FAILED: ZeroDivisionError" in err and "b.html" in err
    pages = project / "_build" / "html"
    assert "1 seen" in (pages / "a.html").read_text()
    assert "ZeroDivisionError" in (pages / "b.html").read_text()
    # what a module says now is on the page after the next build, and only b is left
    (project / "vlmcore" / "near.py").write_text("door = 2")
    notebook = nbformat.read(project / "b.ipynb", 4)
    notebook.cells[1].source = "print('mended')"
    nbformat.write(notebook, project / "b.ipynb")
    status, out, err = build(project)
    assert status == 0 and "c.ipynb" not in out.split("executed")[0]
    assert "2 seen" in (pages / "a.html").read_text()
    assert "mended" in (pages / "b.html").read_text()


def test_a_new_caption_leaves_the_outputs_of_a_chapter_alone(project):
    page = project / "c.ipynb"
    notebook = nbformat.read(page, 4)
    notebook.cells[1].source += "\nopen('runs', 'a').write('I')"
    nbformat.write(notebook, page)
    for caption in ("old", "new", "newest"):
        figure = {"caption": caption, "name": "fig"}
        notebook.cells[1].metadata["mystnb"] = {"figure": figure}
        nbformat.write(notebook, page)
        build(project)
        assert (project / "runs").read_text() == "I"
    shown = project / "_build" / "html" / "c.html"
    assert "{}" in shown.read_text()
    # neither a new nor an earlier caption brings back what was shown before
    (project / "book/results/grid/1.json").write_text("anew")
    for caption in ("newest", "last", "old"):
        figure = {"caption": caption, "name": "fig"}
        notebook.cells[1].metadata["mystnb"] = {"figure": figure}
        nbformat.write(notebook, page)
        build(project)
        assert (project / "runs").read_text() == "II"
        assert "anew" in shown.read_text()
