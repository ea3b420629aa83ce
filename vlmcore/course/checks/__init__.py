"""Public checks of the assignments: each tries an answer on small examples whose result is known and names the mistake it recognises.

    from vlmcore.course.checks import check

    check("a3.q1", frontier)  # ✗ a3.q1: your cost leaves N out: …

They are for learning, not for grading: `vlmcore.course` adds hidden tests on other
data.
"""

from collections.abc import Callable
from typing import Any

from vlmcore.course.checks import a3
from vlmcore.course.checks.feedback import Feedback, StoppedError, UnansweredError

CHECKS: dict[str, Callable[[Callable], str | None]] = {
    f"a3.{name}": question for name, question in a3.A3_CHECKS.items()
}
"""For each question a function that is given the answer and returns the first mistake
it finds, or None."""


def check(question: str, answer: Callable) -> Feedback:
    """Tries an answer and says what is wrong with it.

    Args:
        question: its name, such as `a3.q1`.
        answer: the function that the question asks for.

    Raises:
        ValueError: there is no such question.
        TypeError: the answer is not a function.
        NotImplementedError: the answer is still to be written.
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
