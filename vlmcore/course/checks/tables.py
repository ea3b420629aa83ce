"""Checks by tables: the results of a right answer, and of each known mistake.

The tables are numbers, made from a reference that is not published, so that the package
does not answer what it asks. An answer that agrees with a mistake gets its sentence.
"""

import json
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from vlmcore.course.wire import unpack

NEAR = 1e-3
"""Relative distance at which two numbers agree."""


def mistake_by_table(question: str, answer: Callable) -> str | None:
    """Tries an answer on all cases of its table, and returns its first mistake.

    Args:
        question: such as `"a1.q1"`.
        answer: the student's function.
    """
    for case in stored(question):
        found, right = answer(*case["arguments"]), case["right"]
        if agree(found, right, case.get("near", NEAR)):
            continue
        for sentence, mistaken in case["mistakes"].items():
            # a mistake may not matter in every case
            if agree(found, mistaken, case.get("near", NEAR)):
                return sentence
        right_one = "" if np.ndim(right) > 1 else f", and {_short(right)} is right"
        return f"in an example you have {_short(found)}{right_one}."
    return None


def stored(question: str) -> Any:
    """Returns the numbers of a question's check, such as those of `"a3.q5"`."""
    return _table(question.split(".")[0])[question]


def agree(found: Any, right: Any, near: float = NEAR) -> bool:
    """Whether two results are the same up to rounding, at every depth."""
    match right:
        case dict():
            return (
                isinstance(found, dict)
                and found.keys() == right.keys()
                and all(agree(found[name], right[name], near) for name in right)
            )
        case list():
            parts = list(found) if hasattr(found, "__iter__") else []
            return len(parts) == len(right) and all(
                agree(f, r, near) for f, r in zip(parts, right, strict=True)
            )
        case None | str() | bool():
            return found is right or found == right
    try:
        return math.isclose(float(found), right, rel_tol=near, abs_tol=near / 100)
    except (TypeError, ValueError):
        return False


@cache
def _table(assignment: str) -> dict[str, Any]:
    path = Path(__file__).parent / assignment / "table.json"
    return unpack(json.dumps(json.loads(path.read_text())).encode())


def _short(value: Any) -> str:
    """Returns a result with few digits, as a sentence shows it."""
    if not isinstance(value, dict | str) and np.ndim(value) > 1:
        return f"an array of shape {np.shape(value)} with other numbers"
    match value:
        case dict():
            return ", ".join(
                f"{name} = {_short(entry)}" for name, entry in value.items()
            )
        case list() | tuple():
            return f"({', '.join(map(_short, value))})"
        case float() | int() if not isinstance(value, bool):
            return f"{value:.5g}" if abs(value) < 1e5 else f"{value:.4e}"
    return str(value)[:100]
