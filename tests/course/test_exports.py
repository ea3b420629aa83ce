"""Formats of other graders: complete, and without solutions where students look."""

import json
import zipfile

import nbformat
import pytest
import yaml
from typer.testing import CliRunner

from tests.course.test_notebooks import ASSIGNMENTS, MASTERS
from vlmcore.cli import app
from vlmcore.course.exports import (
    FORMATS,
    as_results,
    export,
    nbgrader_source,
    otter_test,
    questions,
)
from vlmcore.course.gradescope import grade_in_container
from vlmcore.course.notebooks import read_notebook

WORTH = {"a1": 22, "a2": 25, "a3": 25, "a4": 30}
"""Points of each assignment, those by hand among them."""


def checks_of(master):
    return next(iter(questions(master).values()))[0]


@pytest.fixture(params=MASTERS, ids=lambda path: path.stem)
def master(request):
    return read_notebook(request.param)


def test_every_check_is_a_question_with_points(master):
    known = questions(master)
    checks = [c for c in master.cells if c.source.startswith("check(")]
    checks = [c for c in checks if "a4.q2_next" not in c.source]  # has no own points
    assert len(known) == len(checks) >= 5
    assert all(points > 0 for _, _, points in known.values())


def test_nbgrader_finds_points_and_solutions(master):
    cells = [c for c in nbgrader_source(master).cells if "nbgrader" in c.metadata]
    marks = [cell.metadata["nbgrader"] for cell in cells]
    assert len({mark["grade_id"] for mark in marks}) == len(marks)
    checked = [m["points"] for m in marks if m["grade"] and m["locked"]]
    assert checked == [points for _, _, points in questions(master).values()]
    by_hand = [m["points"] for m in marks if m["grade"] and m["solution"]]
    assert sum(checked) + sum(by_hand) == WORTH[checks_of(master)]
    for cell, mark in zip(cells, marks, strict=True):
        if mark["grade"] and cell.cell_type == "code":
            compile(cell.source, "cell", "exec")
            assert "assert feedback.right" in cell.source
    assert all("nbgrader" not in cell.metadata for cell in master.cells)


def test_otter_reads_a_test():
    names = {}
    exec(otter_test("a1", "q1", "flops", 3), names)
    assert names["test"]["points"] == 3 and names["OK_FORMAT"]
    assert 'check("a1.q1", flops)' in names["test"]["suites"][0]["cases"][0]["code"]


@pytest.mark.parametrize("kind", FORMATS)
def test_an_export_has_a_part_for_every_assignment(kind, tmp_path):
    names = export(kind, tmp_path, ASSIGNMENTS)
    for path in MASTERS:
        assert [name for name in names if path.stem.split("_")[0] in name]
    for name in names:
        if name.endswith(".ipynb") and kind != "nbgrader":
            assert "BEGIN SOLUTION" not in (tmp_path / name).read_text()
            nbformat.validate(nbformat.read(tmp_path / name, 4))
        if name.endswith(".yml"):
            workflow = yaml.safe_load((tmp_path / name).read_text())
            (job,) = workflow["jobs"].values()
            steps = [step for step in job["steps"] if "timeout-minutes" in step]
            notebook = read_notebook(next((tmp_path / name).parents[2].glob("*.ipynb")))
            asked = [f" {a}.{q} | tee" for q, (a, _, _) in questions(notebook).items()]
            found = zip(asked, steps, strict=True)
            assert all(text in step["run"] for text, step in found)
            assert workflow["defaults"]["run"]["shell"] == "bash"  # stops at a pipe
        if name.endswith(".zip"):
            with zipfile.ZipFile(tmp_path / name) as archive:
                inside = set(archive.namelist())
                for script in ("setup.sh", "run_autograder"):
                    assert archive.getinfo(script).external_attr >> 16 & 0o111 == 0o111
            assert {"setup.sh", "run_autograder", "pyproject.toml"} <= inside
            assert sum(part.startswith("hidden/test_") for part in inside) == 1
            assert not [part for part in inside if "masters" in part]


def test_a_submission_in_gradescope_s_container(tmp_path, write):
    """Its folders, names and metadata are those of Gradescope's documentation."""
    hidden = tmp_path / "source" / "hidden"
    hidden.mkdir(parents=True)
    (hidden / "test_a1_doubles.py").write_text(
        "def test_q1_doubles(submission, student):\n"
        "    assert submission.function('double')(2) == 4\n"
        "    assert student == 'ada'\n\n"
        "def test_q1_more(submission):\n"
        "    assert submission.function('double')(3) == 6, 'twice 3 is 6.'\n"
    )
    user = {"email": "ada@example.com", "id": 1234, "name": "Ada"}
    (tmp_path / "submission_metadata.json").write_text(json.dumps({"users": [user]}))
    write(tmp_path / "submission" / "mine.ipynb", "def double(x):\n    return 4")
    grade_in_container(hidden, tmp_path)
    results = json.loads((tmp_path / "results" / "results.json").read_text())
    assert (results["score"], results["tests"][0]["max_score"]) == (1, 2)
    assert results["tests"][0]["output"] == "twice 3 is 6."


def test_results_for_gradescope():
    question = {"question": "q1", "points": 1, "out_of": 2, "message": "half."}
    report = {"points": 1, "questions": [question], "notes": {"cell 2": "KeyError"}}
    results = json.loads(as_results(report, 3.2))
    assert results["score"] == 1 and results["output"] == "cell 2: KeyError"
    assert results["tests"][0] == {
        "name": "q1",
        "score": 1,
        "max_score": 2,
        "status": "failed",
        "output": "half.",
        "output_format": "text",
        "visibility": "visible",
    }


def test_what_is_not_there_is_refused(tmp_path, write):
    notebook = write(tmp_path / "a.ipynb", 'check("a1.q1", f)')
    for arguments, sentence in (
        (["export", "moodle", "--assignments", ASSIGNMENTS], "choose from nbgrader"),
        (["try", notebook, "a1.q9"], "has no check of a1.q9"),
        (["try", notebook, "a1.q2"], "has no check of a1.q2"),
    ):
        done = CliRunner().invoke(app, ["course", *map(str, arguments)])
        assert done.exit_code == 2 and sentence in done.output


def test_one_check_of_a_notebook(tmp_path, write):
    for source, code, said in (
        ("return alpha", 1, "✗ a3.q3"),
        ("raise NotImplementedError()", 1, "not answered yet"),
        (
            "return largest if alpha <= beta else "
            "min(max(beta * q / (alpha - beta) - 1, 1), largest)",
            0,
            "✓ a3.q3: right.",
        ),
    ):
        notebook = write(
            tmp_path / "a.ipynb",
            f"def f(alpha, beta, q, largest=576):\n    {source}",
            'check("a3.q3", f)',
        )
        done = CliRunner().invoke(app, ["course", "try", str(notebook), "a3.q3"])
        assert (done.exit_code, said in done.output) == (code, True)
