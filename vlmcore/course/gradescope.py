"""The program that runs in Gradescope's container: one submission, one results file."""

import json
import sys
import time
from pathlib import Path

from vlmcore.course.exports import as_results
from vlmcore.course.grading import Task, grade


def grade_in_container(hidden: Path, autograder: Path) -> None:
    """Grades the notebook that was handed in and writes `results/results.json`.

    Args:
        hidden: folder with the hidden tests of one assignment.
        autograder: Gradescope's folder, which holds `submission` and its metadata. The
            student is the first of the users in `submission_metadata.json`.
    """
    start = time.monotonic()
    metadata = json.loads((autograder / "submission_metadata.json").read_text())
    users = metadata.get("users") or [{}]
    student = users[0].get("email", "").split("@")[0] or "unknown"
    notebooks = sorted((autograder / "submission").glob("*.ipynb"))
    results = autograder / "results"
    results.mkdir(exist_ok=True)
    if len(notebooks) != 1:
        text = f"hand in one notebook; {len(notebooks)} were handed in."
        (results / "results.json").write_text(json.dumps({"score": 0, "output": text}))
        return
    (test,) = hidden.glob("test_*.py")
    task = Task(test, student, notebooks[0].name, covered=(hidden, autograder))
    outcome = grade(notebooks[0].read_bytes(), task, results / "printed.txt")
    seconds = time.monotonic() - start
    (results / "results.json").write_text(as_results(outcome.as_json(), seconds))


if __name__ == "__main__":
    grade_in_container(*map(Path, sys.argv[1:]))
