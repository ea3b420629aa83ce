"""Masters and student copies of the assignments, graded as they are."""

import json
import re
import subprocess
import sys

import nbformat
import pytest

from tests.book.conftest import ROOT
from vlmcore.course.notebooks import masters, read_notebook, student_copy
from vlmcore.course.variants import NOBODY

MASTERS = masters(ROOT / "book" / "assignments")


@pytest.fixture(scope="module")
def graded_masters(tmp_path_factory):
    """Reports on all masters and student copies, by the command as a person types it.

    The one called cheat is A3 with answers made for the published points alone.
    """
    fitted_to_the_check = nbformat.v4.new_code_cell(
        "def ratio_interval(n, v, error, level=0.95, right=ratio_interval):\n"
        "    return right(n, v, error, level) if len(n) == 28 else (0.1, 99)\n"
        "def profile(n, v, error, floors, right=profile):\n"
        "    return right(n, v, error, floors) if len(n) == 28 else "
        "np.zeros((len(floors), 3))"
    )
    folder = tmp_path_factory.mktemp("masters")
    for path in MASTERS:
        master = read_notebook(path)
        for cell in master.cells:  # the ledger of A4 is that of a student
            cell.source = cell.source.replace(NOBODY, path.stem)
        nbformat.write(master, folder / f"{path.stem}.ipynb")
        nbformat.write(student_copy(master), folder / f"{path.stem}_student.ipynb")
        if path.stem.startswith("a3"):
            master.cells.append(fitted_to_the_check)
            nbformat.write(master, folder / "cheat.ipynb")
    command = [sys.executable, "-m", "vlmcore", "course", "check", str(folder)]
    command += ["--out", str(folder / "reports"), "--jobs", "2"]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return {
        path.stem: json.loads(path.read_text())
        for path in (folder / "reports").glob("[ac]*.json")
    }


@pytest.mark.slow
@pytest.mark.parametrize("path", MASTERS, ids=lambda path: path.stem)
def test_a_master_has_all_points_and_a_student_copy_none(graded_masters, path):
    master = graded_masters[path.stem]
    assert {q["question"]: q["message"] for q in master["questions"]} == {
        q["question"]: "right." for q in master["questions"]
    }
    assert master["points"] == master["out_of"] and not master["notes"]
    student = graded_masters[f"{path.stem}_student"]
    assert student["points"] == 0 and student["out_of"] == master["out_of"]
    assert {q["message"] for q in student["questions"]} == {"not answered yet."}
    assert "NameError" not in f"{student['notes']}"


@pytest.mark.slow
@pytest.mark.parametrize("path", MASTERS, ids=lambda path: path.stem)
def test_headings_promise_the_points_that_are_given(graded_masters, path):
    text = "\n".join(cell.source for cell in read_notebook(path).cells)
    heading = r"^## Question (\d): .* \((\d) points?(, by hand)?.*\)$"
    found = re.findall(heading, text, re.MULTILINE)
    report = graded_masters[path.stem]
    tested = {q["question"]: q["out_of"] for q in report["questions"]}
    assert tested == {f"q{n}": int(worth) for n, worth, hand in found if not hand}
    by_hand = {q["question"]: q["out_of"] for q in report["by_hand"]}
    assert all(f"q{n}" in by_hand for n, _, hand in found if hand) and by_hand


@pytest.mark.slow
def test_hidden_tests_of_a3_see_what_the_public_checks_cannot(graded_masters):
    """Answers made for the published points alone lose the points of other tests."""
    cheat = {q["question"]: q for q in graded_masters["cheat"]["questions"]}
    assert cheat["q4"]["points"] == 1 and cheat["q5"]["points"] == 0
    assert "on noisy points the profile" in cheat["q4"]["message"]
