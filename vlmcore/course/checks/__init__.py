"""Public checks of the assignments.

A check tries an answer on small examples with known results and names the mistake that
it recognises.

    from vlmcore.course.checks import check

    check("a3.q1", frontier)  # ✗ a3.q1: your cost leaves N out: …

The checks are for learning. Grading adds hidden tests on other data.
"""

from collections.abc import Callable
from typing import Any

from vlmcore.course.checks.a3.certainty import q4, q5, q6
from vlmcore.course.checks.a3.choosing import q1, q3
from vlmcore.course.checks.a3.fitting import q2
from vlmcore.course.checks.feedback import Feedback, StoppedError, UnansweredError

CHECKS: dict[str, Callable[[Callable], str | None]] = {
    "a3.q1": q1,
    "a3.q2": q2,
    "a3.q3": q3,
    "a3.q4": q4,
    "a3.q5": q5,
    "a3.q6": q6,
}
"""Maps a question to a function of the answer that returns a mistake, or None."""


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
        mistake = CHECKS[question](asked)
    except StoppedError as error:
        mistake = str(error)
    except (TypeError, ValueError) as error:
        mistake = (
            f"your function returned something else than what is asked for: {error}"
        )
    return Feedback(question, mistake is None, mistake or "right.")
