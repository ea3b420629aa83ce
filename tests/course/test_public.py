"""No solution leaves the repository: wheel, sdist, published tree, sources of pages."""

import ast
import re
import subprocess
import sys
import tarfile
import zipfile

import pytest

from tests.book.conftest import ROOT
from tests.course.test_notebooks import ASSIGNMENTS, MASTERS, solutions
from vlmcore.course.public import PRIVATE, publish, published_files

NAMES = re.findall(
    r"def (test_q\d_(?!public)\w+)",
    "".join(path.read_text() for path in (ASSIGNMENTS / "hidden").glob("*.py")),
)
STUDENT = "".join(path.read_text() for path in ASSIGNMENTS.glob("*.ipynb"))


def telling_lines():
    """Lines of solutions that say something and stand nowhere in a student copy."""
    found = {
        line.strip().replace('"', "")
        for path in MASTERS
        for region in solutions(path)
        for line in region.splitlines()
        if len(line.strip()) > 35 and "#" not in line and "SOLUTION" not in line
    }
    for path in (ASSIGNMENTS / "hidden").glob("*.py"):
        reference = path.read_text().split("\ndef published(")[0]
        found |= {
            line.strip().replace('"', "")
            for line in reference.splitlines()
            if len(line.strip()) > 35
            and not line.strip().startswith(('"', "#"))
            and not line.startswith(("from", "def"))
        }
    student = STUDENT.replace("\\", "").replace('"', "")
    return sorted(line for line in found if line not in student)


LINES = telling_lines()


def solved_in(texts):
    """The solutions and hidden tests that stand in texts, by the name of the text."""
    wanted = [*LINES, *(f"def {name}" for name in NAMES)]
    return {
        (name, line)
        for name, text in texts
        for plain in [text.replace('"', "").replace("\\", "")]
        for line in wanted
        if line.replace("\\", "") in plain
    }


def read(path):
    return path.read_bytes().decode(errors="replace")


def test_the_search_finds_what_it_looks_for():
    assert len(LINES) > 20 and len(NAMES) > 5
    places = [*MASTERS, *(ASSIGNMENTS / "hidden").glob("*.py")]
    masters = solved_in((path.name, read(path)) for path in places)
    assert {line for _, line in masters} >= set(LINES)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("public")
    publish(folder, ASSIGNMENTS)
    return folder


def test_the_published_tree_has_all_but_what_solves(published):
    there = {
        path.relative_to(published).as_posix()
        for path in published.rglob("*")
        if path.is_file()
    }
    assert there - {"vlmcore-files.json"} == set(published_files(ROOT))
    assert {"Makefile", "book/assignments/a3_fit_the_law.ipynb"} <= there
    assert not [name for name in there if name.startswith(PRIVATE)]
    texts = (
        (n, read(published / n))
        for n in there
        if n.endswith((".py", ".ipynb", ".md", ".txt"))
    )
    assert not solved_in(texts)


def test_the_checks_hold_no_solver():
    """They compare with numbers, and call no fit, search or optimum of a law."""
    checks = ROOT / "vlmcore" / "course" / "checks"
    for path in checks.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in getattr(node, "names", ())]
            module = getattr(node, "module", "") or ""
            assert not {"scipy", "sklearn"} & {name.split(".")[0] for name in names}
            assert not module.startswith(("scipy", "vlmcore.cost", "vlmcore.models"))
            assert not module.startswith("vlmcore.scaling") or names == ["Product"]
        assert "optimal_tokens" not in path.read_text(), path


def test_a_clone_of_it_is_what_the_set_up_cell_needs(published):
    for name in ("book/_ext/set_up.py", "vlmcore/py.typed", ".ci/run"):
        assert (published / name).is_file()
    assert (published / ".ci/run").stat().st_mode & 0o100


def test_no_checkout_no_tree(tmp_path):
    (tmp_path / "book" / "assignments").mkdir(parents=True)
    with pytest.raises(ValueError, match="is no checkout of git"):
        publish(tmp_path / "out", tmp_path / "book" / "assignments")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_what_is_built_holds_no_solution(kind, tmp_path):
    for name in subprocess.run(
        [
            "git",
            "ls-files",
            "vlmcore",
            "tests",
            "book/assignments",
            "pyproject.toml",
            "README.md",
            "LICENSE",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines():
        if (ROOT / name).exists():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    code = f"from setuptools import build_meta; build_meta.build_{kind}('dist')"
    subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True
    )
    (built,) = (tmp_path / "dist").iterdir()
    if kind == "wheel":
        with zipfile.ZipFile(built) as file:
            texts = [
                (n, file.read(n).decode(errors="replace")) for n in file.namelist()
            ]
    else:
        with tarfile.open(built) as file:
            members = [member for member in file if member.isfile()]
            texts = [
                (member.name, file.extractfile(member).read().decode(errors="replace"))
                for member in members
            ]
    assert len(texts) > 50 and not solved_in(texts)


def test_the_sources_of_built_pages_hold_no_solution():
    built = ROOT / "_build" / "html"
    if not built.exists():
        pytest.skip("the book is not built")
    assert not solved_in((p.name, read(p)) for p in built.rglob("_sources/**/*.*"))
