"""The public check of one question on a whole notebook, for graders of others."""

import re
import tempfile
from pathlib import Path

from vlmcore.course.checks import CHECKS, check
from vlmcore.course.checks.feedback import Feedback, StoppedError, UnansweredError
from vlmcore.course.notebooks import parse_notebook
from vlmcore.course.submission import Submission


def try_answer(notebook: Path, question: str) -> Feedback:
    """Runs a notebook and the public check of a question.

    Raises:
        ValueError: there is no such question, or the notebook does not ask it.
    """
    content = notebook.read_bytes()
    cells = parse_notebook(content, notebook.name).cells
    text = "\n".join(cell.source for cell in cells)
    asked = re.findall(rf'check\("{re.escape(question)}", (\w+)\)', text)
    if question not in CHECKS or not asked:
        known = ", ".join(CHECKS)
        raise ValueError(
            f"{notebook.name} has no check of {question}; choose from {known}"
        )
    with (
        tempfile.TemporaryDirectory() as folder,
        Submission(content, Path(folder) / "printed.txt") as submission,
    ):
        try:
            return check(question, submission.function(asked[0]))
        except NotImplementedError:
            return Feedback(question, False, "not answered yet.")
        except (StoppedError, UnansweredError) as error:
            return Feedback(question, False, str(error))
