"""Assignments in the formats of other graders: nbgrader, otter, Gradescope, GitHub.

Only the Gradescope zip holds hidden tests, as it is kept by the course. The others run
the public checks, whose tests students see.
"""

import json
import re
import zipfile
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode

import vlmcore
from vlmcore.course.hidden_tests import declared
from vlmcore.course.notebooks import BEGIN, masters, read_notebook, student_copy
from vlmcore.folders import files_beside

_CHECK = re.compile(r'^check\("(\w+)\.(q\d+)", (\w+)\)$')
_POINTS = re.compile(r"^## Question (\d+).*?\((\d+) points?", re.MULTILINE)
_BY_HAND = re.compile(
    r"^## Question (\d+).*?\((?:\d+ points?, and )?(\d+)(?: points?,)? by hand\)",
    re.MULTILINE,
)
_SETUP = """#!/usr/bin/env bash
set -euo pipefail
apt-get update && apt-get install --yes python3-venv bubblewrap
python3 -m venv /opt/vlmcore
/opt/vlmcore/bin/pip install "/autograder/source[course]"
"""
_RUN = """#!/usr/bin/env bash
/opt/vlmcore/bin/python -m vlmcore.course.gradescope /autograder/source/hidden \\
  /autograder
"""
_NBGRADER = "c = get_config()\nc.ExecutePreprocessor.timeout = 300  # seconds a cell\n"
_INSTALL = 'pip install "vlmcore[course] @ git+{address}"'


def questions(master: NotebookNode) -> dict[str, tuple[str, str, int]]:
    """Lists the questions that a notebook checks.

    Returns:
        For each question, such as `q1`: the assignment, the function and the points.
    """
    points = _worth(_POINTS, master)
    found = [m for c in master.cells if (m := _CHECK.match(c.source.strip()))]
    return {m[2]: (m[1], m[3], points[m[2]]) for m in found}


def _worth(pattern: re.Pattern[str], master: NotebookNode) -> dict[str, int]:
    """The points that the headings of questions promise."""
    text = "\n".join(c.source for c in master.cells if c.cell_type == "markdown")
    return {f"q{number}": int(worth) for number, worth in pattern.findall(text)}


def nbgrader_source(master: NotebookNode) -> NotebookNode:
    """Returns a master with nbgrader's metadata, whose checks raise if they fail."""
    notebook = deepcopy(master)
    known, by_hand = questions(master), _worth(_BY_HAND, master)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        manual = next((t for t in tags if t.startswith("manual-")), None)
        shared = {"grade_id": f"cell-{cell.id}", "schema_version": 3, "task": False}
        if match := _CHECK.match(cell.source.strip()):
            question = match[2]
            cell.source = (
                f'feedback = check("{match[1]}.{question}", {match[3]})\n'
                "print(feedback)\n"
                "assert feedback.right"
            )
            shared |= {"grade": True, "locked": True, "solution": False}
            shared |= {"points": known[question][2], "cell_type": "code"}
        elif cell.cell_type == "code" and BEGIN in cell.source:
            shared |= {"grade": False, "locked": False, "solution": True}
        elif manual:
            shared |= {"grade": True, "locked": False, "solution": True}
            shared |= {"points": by_hand[manual.removeprefix("manual-")]}
        else:
            continue
        cell.metadata["nbgrader"] = shared
    return notebook


def otter_test(assignment: str, question: str, function: str, points: int) -> str:
    """Returns a test file of otter, in the format of OK."""
    code = (
        ">>> from vlmcore.course.checks import check\n"
        f'>>> feedback = check("{assignment}.{question}", {function})\n'
        ">>> assert feedback.right, feedback.message"
    )
    case = {"code": code, "hidden": False, "locked": False}
    suite = {"cases": [case], "scored": True, "setup": "", "teardown": ""}
    test = {
        "name": question,
        "points": points,
        "suites": [suite | {"type": "doctest"}],
    }
    return f"OK_FORMAT = True\n\ntest = {test!r}\n"


def github_workflow(
    notebook: str, known: dict[str, tuple[str, str, int]], address: str
) -> str:
    """Returns a workflow of GitHub Actions that runs the public checks at every push.

    It needs no service beside GitHub: Classroom's, which had actions of its own for
    this, ended in August 2026.
    """
    steps = [
        f"      - name: {question}, {points} point{'s' * (points > 1)}\n"
        "        if: ${{ !cancelled() }}\n        timeout-minutes: 10\n"
        f"        run: vlmcore course try {notebook} {assignment}.{question} | "
        'tee -a "$GITHUB_STEP_SUMMARY"\n'
        for question, (assignment, _, points) in known.items()
    ]
    return (
        "name: Public checks\non: [push, workflow_dispatch]\n"
        "permissions: {contents: read}\ndefaults: {run: {shell: bash}}\n"
        "jobs:\n  checks:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - uses: actions/checkout@v4\n"
        "      - uses: actions/setup-python@v5\n"
        '        with: {python-version: "3.12"}\n'
        f"      - run: {_INSTALL.format(address=address)}\n" + "".join(steps)
    )


def gradescope_zip(place: Path, hidden: Path) -> None:
    """Writes an autograder: the package, hidden tests of one assignment, scripts."""
    package = Path(vlmcore.__file__).parent
    root = package.parent
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, script in (("setup.sh", _SETUP), ("run_autograder", _RUN)):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o755 << 16  # it has to be executable
            archive.writestr(entry, script, zipfile.ZIP_DEFLATED)
        archive.write(hidden, f"hidden/{hidden.name}")
        for path in sorted(package.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(root).as_posix())
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            archive.write(root / name, name)


def _nbgrader(folder: Path, master: Path, _: str, assignments: Path) -> None:
    name = master.stem.split("_")[0]
    place = folder / "source" / name / master.name
    place.parent.mkdir(parents=True)
    nbformat.write(nbgrader_source(read_notebook(master)), place)
    (folder / "nbgrader_config.py").write_text(_NBGRADER)  # by default it is 30


def _otter(folder: Path, master: Path, _: str, assignments: Path) -> None:
    notebook, name = read_notebook(master), master.stem.split("_")[0]
    (folder / name / "tests").mkdir(parents=True)
    nbformat.write(student_copy(notebook), folder / name / master.name)
    for question, (assignment, function, points) in questions(notebook).items():
        text = otter_test(assignment, question, function, points)
        (folder / name / "tests" / f"{question}.py").write_text(text)


def _github(folder: Path, master: Path, address: str, assignments: Path) -> None:
    notebook = read_notebook(master)
    place = folder / master.stem.split("_")[0]
    (place / ".github" / "workflows").mkdir(parents=True)
    nbformat.write(student_copy(notebook), place / master.name)
    text = github_workflow(master.name, questions(notebook), address)
    (place / ".github" / "workflows" / "checks.yml").write_text(text)


def _gradescope(folder: Path, master: Path, _: str, assignments: Path) -> None:
    hidden = assignments / "hidden" / f"test_{master.stem}.py"
    gradescope_zip(folder / f"{master.stem}.zip", hidden)
    rows = declared(hidden, "BY_HAND")
    by_hand = [f"{question}, {worth} points: {text}" for question, worth, text in rows]
    (folder / f"{master.stem}_by_hand.txt").write_text("\n".join(by_hand) + "\n")


FORMATS: dict[str, Callable[[Path, Path, str, Path], None]] = {
    "nbgrader": _nbgrader,
    "otter": _otter,
    "github": _github,
    "gradescope": _gradescope,
}


def export(kind: str, out: Path, assignments: Path) -> list[str]:
    """Writes all assignments in a format of `FORMATS`.

    Returns:
        The names of the files.

    Raises:
        ValueError: there is no such format, or a file would be replaced that was
            changed or is of someone else's making.
    """
    if kind not in FORMATS:
        known = ", ".join(FORMATS)
        raise ValueError(f"there is no format {kind!r}; choose from {known}")
    found = masters(assignments)
    text = read_notebook(found[0]).cells[1].source
    address = re.findall(r'URL, PART = "([^"]+)"', text) or ["ADDRESS"]
    with files_beside(out, whole=False) as partial:
        for master in found:
            FORMATS[kind](partial, master, address[0], assignments)
        names = [p.relative_to(partial).as_posix() for p in partial.rglob("*")]
    return sorted(name for name in names if "." in name.split("/")[-1])


def as_results(report: dict, seconds: float) -> str:
    """Returns a report of `Grade.as_json` as Gradescope's `results.json`."""
    tests = [
        {
            "name": q["question"],
            "score": q["points"],
            "max_score": q["out_of"],
            "status": "passed" if q["points"] == q["out_of"] else "failed",
            "output": q["message"],
            "output_format": "text",
            "visibility": "visible",
        }
        for q in report["questions"]
    ]
    notes = "\n".join(f"{place}: {note}" for place, note in report["notes"].items())
    results = {
        "score": report["points"],
        "output": notes,
        "output_format": "text",
        "execution_time": round(seconds),
        "visibility": "visible",
        "tests": tests,
    }
    return json.dumps(results, indent=1)
