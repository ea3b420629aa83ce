"""Student copies: what is taken out, and that nothing else is."""

import doctest
import json
import re
import shutil
import subprocess

import nbformat
import pytest

from tests.book.conftest import ROOT, sources
from vlmcore.course import notebooks
from vlmcore.course.notebooks import (
    BEGIN,
    END,
    STUB,
    clear_solutions,
    find_assignments,
    masters,
    read_notebook,
    release,
    student_copy,
)
from vlmcore.folders import MANIFEST

ASSIGNMENTS = ROOT / "book" / "assignments"
MASTERS = masters(ASSIGNMENTS)


@pytest.fixture(params=MASTERS, ids=lambda path: path.stem)
def master(request):
    return request.param


def solutions(path):
    """The marked regions of a notebook, marks included, in order."""
    return re.findall(
        rf"^[ \t]*{BEGIN}$.*?^[ \t]*{END}$",
        "\n".join(sources(path, "code")),
        re.MULTILINE | re.DOTALL,
    )


def test_the_student_copy_in_the_book_is_up_to_date(master, tmp_path):
    release(tmp_path, ASSIGNMENTS)
    assert (tmp_path / master.name).read_text() == (
        ASSIGNMENTS / master.name
    ).read_text(), (
        "the student copy is older than its master; run vlmcore course "
        "release --out book/assignments"
    )


def test_a_student_copy_holds_no_solution_and_no_output(master):
    found = solutions(master)
    assert found
    text = (ASSIGNMENTS / master.name).read_text()
    for region in found:
        for line in region.splitlines():
            if len(line.strip()) > 20 and "#" not in line:
                assert line.strip() not in text, line
    assert "SOLUTION" not in text
    for cell in nbformat.read(ASSIGNMENTS / master.name, 4).cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


def test_a_student_copy_with_the_solutions_is_the_master(master):
    student = nbformat.read(ASSIGNMENTS / master.name, 4)
    waiting = iter(solutions(master))
    stub = "\n".join(rf"[ \t]*{re.escape(line)}" for line in STUB.splitlines())
    for cell in student.cells:
        cell.source = re.sub(stub, lambda _: next(waiting), cell.source)
    assert next(waiting, None) is None
    assert student == nbformat.read(master, 4)


def test_a_release_holds_student_copies_and_nothing_else(tmp_path):
    release(tmp_path, ASSIGNMENTS)
    expected = {MANIFEST, *(path.name for path in MASTERS)}
    assert {path.name for path in tmp_path.rglob("*")} == expected
    hidden = "".join(path.read_text() for path in (ASSIGNMENTS / "hidden").glob("*.py"))
    names = re.findall(r"def (test_q\d_(?!public)\w+)", hidden)
    assert names and not any(
        name in path.read_text() for name in names for path in tmp_path.iterdir()
    )


def test_a_release_into_the_masters_is_refused(tmp_path):
    shutil.copytree(ASSIGNMENTS / "masters", tmp_path / "masters")
    before = [path.read_bytes() for path in masters(tmp_path)]
    with pytest.raises(ValueError, match="would be replaced, and vlmcore did not"):
        release(tmp_path / "masters", tmp_path)
    assert [path.read_bytes() for path in masters(tmp_path)] == before


@pytest.fixture
def clone(tmp_path):
    """A fresh clone of the book's assignments, where a master has changed since."""
    folder = tmp_path / "assignments"
    shutil.copytree(ASSIGNMENTS / "masters", folder / "masters")
    for path in MASTERS:
        shutil.copy(ASSIGNMENTS / path.name, folder)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "copies")
    master = folder / "masters" / MASTERS[0].name
    master.write_text(master.read_text().replace("# ", "# New: ", 1))
    return folder


def git(folder, *arguments):
    who = ["-c", "user.name=a test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True)


def test_a_clone_releases_over_the_copies_that_git_has(clone):
    release(clone, clone)
    assert "# New: " in (clone / MASTERS[0].name).read_text()
    git(clone, "commit", "--quiet", "--all", "--message", "new copies")
    release(clone, clone)


@pytest.mark.parametrize("staged", [False, True])
def test_a_copy_that_git_does_not_have_as_it_is_is_kept(clone, staged):
    copy = clone / MASTERS[0].name
    copy.write_text(mine := copy.read_text() + "\n")
    if staged:
        git(clone, "add", copy.name)
    with pytest.raises(ValueError, match="would be replaced, and vlmcore did not"):
        release(clone, clone)
    git(clone, "rm", "--quiet", "--cached", copy.name)
    with pytest.raises(ValueError, match="would be replaced, and vlmcore did not"):
        release(clone, clone)
    assert copy.read_text() == mine


def test_committed_masters_are_not_replaced_by_copies(clone):
    git(clone, "commit", "--quiet", "--all", "--message", "a new master")
    with pytest.raises(ValueError, match="would be replaced, and vlmcore did not"):
        release(clone / "masters", clone)


def test_every_master_has_hidden_tests(master):
    assert (ASSIGNMENTS / "hidden" / f"test_{master.stem}.py").is_file()


def test_the_set_up_cell_is_that_of_the_chapters(master):
    page = ASSIGNMENTS / "index.ipynb"
    assert sources(master, "code")[0] == sources(page, "code")[0]


def test_a_student_copy_is_not_executed_when_the_book_is_built(master):
    assert (
        read_notebook(ASSIGNMENTS / master.name).metadata["mystnb"]["execution_mode"]
        == "off"
    )


def test_the_master_is_left_as_it_is():
    cell = nbformat.v4.new_code_cell(
        f"def one():\n    {BEGIN}\n    return 1\n    {END}", execution_count=3
    )
    cell.outputs = [nbformat.v4.new_output("stream", text="1")]
    notebook = nbformat.v4.new_notebook(cells=[cell])
    before = nbformat.writes(notebook)
    student = student_copy(notebook).cells[0]
    assert nbformat.writes(notebook) == before
    assert (
        student.source
        == "def one():\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    )
    assert student.outputs == [] and student.execution_count is None


def test_several_solutions_in_a_cell_each_at_its_depth():
    source = (
        f"{BEGIN}\na = 1\n{END}\nclass B:\n    def c(self):\n        {BEGIN}\n   "
        f"     return 2\n\n        {END}\n\nd = 3"
    )
    body = "        # YOUR CODE HERE\n        raise NotImplementedError()"
    assert (
        clear_solutions(source)
        == f"{STUB}\nclass B:\n    def c(self):\n{body}\n\nd = 3"
    )


@pytest.mark.parametrize(
    "source",
    [
        f"{BEGIN}\na = 1",
        f"a = 1\n{END}",
        f"{BEGIN}\n{BEGIN}\na = 1\n{END}",
        f"{BEGIN}\na = 1\n{END}\nb = 2\n{END}",
        f"a = 1  {BEGIN}\n{END}",
        f"{BEGIN} of a\na = 1\n{END}",
    ],
)
def test_marks_that_do_not_pair_are_refused(source):
    with pytest.raises(ValueError, match="does not pair them"):
        clear_solutions(source)


def test_without_the_book_there_is_no_master(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for call in (lambda: masters(tmp_path), find_assignments):
        with pytest.raises(FileNotFoundError, match="--assignments"):
            call()


def test_assignments_are_found_from_a_folder_below(monkeypatch):
    monkeypatch.chdir(ASSIGNMENTS / "masters")
    assert find_assignments() == ASSIGNMENTS


def test_examples():
    assert doctest.testmod(notebooks) == (0, 2)


def test_masters_are_not_published():
    """Built pages keep the sources of listed pages, so no master may be listed."""
    assert "masters" not in (ROOT / "_toc.yml").read_text()
    built = ROOT / "_build" / "html"
    if built.exists():
        assert not list(built.rglob("masters"))
        for path in built.rglob("*.ipynb"):
            for region in [region for each in MASTERS for region in solutions(each)]:
                line = json.dumps(max(region.splitlines(), key=len), ensure_ascii=False)
                assert line[1:-1] not in path.read_text(), path
