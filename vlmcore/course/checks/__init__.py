"""Public checks of the assignments.

A check tries an answer on small examples with known results and names the mistake that
it recognises.

    from vlmcore.course.checks import check

    check("a3.q1", frontier)  # ✗ a3.q1: your cost leaves N out: …

The checks are for learning. Grading adds hidden tests on other data.
"""

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

from vlmcore.course.checks.conclusions import CONCLUSIONS
from vlmcore.course.checks.feedback import Feedback, StoppedError, UnansweredError
from vlmcore.course.checks.tables import mistake_by_table

TABLE = "table"
CHECKS = {
    "a1.q1": TABLE,
    "a1.q2": TABLE,
    "a1.q3": TABLE,
    "a1.q4": TABLE,
    "a1.q5": TABLE,
    "a1.q6": TABLE,
    "a2.q1": TABLE,
    "a2.q2": TABLE,
    "a2.q3": TABLE,
    "a2.q4": TABLE,
    "a2.q5": TABLE,
    "a2.q6": "a2.training",
    "a2.q7": TABLE,
    "a3.q1": "a3.choosing",
    "a3.q2": "a3.fitting",
    "a3.q3": "a3.choosing",
    "a3.q4": "a3.certainty",
    "a3.q5": "a3.certainty",
    "a3.q6": "a3.doubting",
    "a3.q7": "a3.deciding",
    "a4.q1": TABLE,
    "a4.q2": "a4.designing",
    "a4.q2_next": "a4.designing",
    "a4.q3": "a4.predicting",
    "a4.q4": "a4.predicting",
    "a4.q5": TABLE,
    "a4.q6": "a4.experimenting",
}
"""Maps a question to the module of its check, or to `TABLE`.

The module is imported when it is needed. There a function called like the question
takes the answer and returns a mistake, or None.
"""


def check(question: str, answer: Callable) -> Feedback:
    """Tries an answer and returns what is wrong with it.

    Args:
        question: its name, such as `a3.q1`.
        answer: the function that the question asks for.

    Raises:
        ValueError: there is no such question.
        TypeError: the answer is not a function.
        NotImplementedError: the answer is not written yet.
    """
    if question not in CHECKS:
        raise ValueError(
            f"there is no question {question!r}; choose from {', '.join(CHECKS)}"
        )
    if not callable(answer):
        raise TypeError(
            f"{question} asks for a function and was given {answer!r}; pass the "
            "function itself, without calling it"
        )

    def asked(*arguments: Any) -> Any:
        try:
            return answer(*arguments)
        except (NotImplementedError, StoppedError, UnansweredError):
            raise
        except Exception as error:
            raise StoppedError(
                f"your function stopped with {type(error).__name__}: {error}"
            ) from error

    try:
        mistake = _function(question)(asked)
    except StoppedError as error:
        mistake = str(error)
    except (TypeError, ValueError) as error:
        mistake = (
            f"your function returned something else than what is asked for: {error}"
        )
    if mistake:
        return Feedback(question, False, mistake)
    return Feedback(question, True, "right.", CONCLUSIONS.get(question, ""))


def _function(question: str) -> Callable[[Callable], str | None]:
    if CHECKS[question] == TABLE:
        return partial(mistake_by_table, question)
    module = importlib.import_module(f"{__name__}.{CHECKS[question]}")
    return vars(module)[question.split(".")[1]]
