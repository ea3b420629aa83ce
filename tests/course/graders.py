"""nbgrader and otter grade what is exported for them.

`make graders` runs this apart from `make test`. The two are installed in an environment
of their own, `.venv-graders`, which finds torch in that of the book.
"""

import csv
import json
import os
import shutil
import subprocess

import pytest

from tests.book.conftest import ROOT
from tests.course.test_notebooks import ASSIGNMENTS, MASTERS
from vlmcore.course.exports import export, questions
from vlmcore.course.notebooks import read_notebook

PROGRAMS = ROOT / ".venv-graders" / "bin"
NOTHING_TO_DO = "def set_up(part):\n    pass\n"


@pytest.fixture(params=MASTERS, ids=lambda path: path.stem)
def master(request):
    return request.param


def exported(kind, folder):
    """Writes an export in a folder where a set-up cell has nothing to do."""
    export(kind, folder, ASSIGNMENTS)
    (folder / "book" / "_ext").mkdir(parents=True)
    (folder / "book" / "_ext" / "set_up.py").write_text(NOTHING_TO_DO)


def run(folder, *command):
    mine = {"PYTHONPATH": str(ROOT), "PATH": f"{PROGRAMS}{os.pathsep}{os.defpath}"}
    environment = os.environ | mine | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]


def worth(master):
    return sum(points for _, _, points in questions(read_notebook(master)).values())


def test_nbgrader(master, tmp_path):
    exported("nbgrader", tmp_path)
    name = master.stem.split("_")[0]
    run(tmp_path, "nbgrader", "generate_assignment", name)
    released = tmp_path / "release" / name / master.name
    assert "SOLUTION" not in released.read_text()
    source = tmp_path / "source" / name / master.name
    for student, notebook in (("ada", source), ("bob", released)):
        place = tmp_path / "submitted" / student / name / master.name
        place.parent.mkdir(parents=True)
        shutil.copy(notebook, place)
    run(tmp_path, "nbgrader", "autograde", name)
    run(tmp_path, "nbgrader", "export")
    with (tmp_path / "grades.csv").open() as file:
        rows = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert rows == {"ada": worth(master), "bob": 0}


def test_otter(master, tmp_path):
    exported("otter", tmp_path)
    folder = tmp_path / master.stem.split("_")[0]
    (folder / "otter_config.json").write_text("{}")
    options = ["-t", "tests", "-o", "autograder.zip", "--no-environment"]
    run(folder, "otter", "generate", *options)
    for student, notebook, points in (
        ("ada", master, worth(master)),
        ("bob", folder / master.name, 0),
    ):
        (folder / student).mkdir()
        shutil.copy(notebook, folder / student)
        options = ["-a", "../autograder.zip", "-o", "."]
        run(folder / student, "otter", "run", master.name, *options)
        results = json.loads((folder / student / "results.json").read_text())
        assert sum(test.get("score", 0) for test in results["tests"]) == points
