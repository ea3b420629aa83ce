"""Numbers of each student's own, drawn from the student's name.

A student's notebook draws them with the key `"public"`; the grader takes the registered
name and a key from the environment variable `COURSE_KEY`, which no repository holds.
"""

import hashlib
import os

import numpy as np

PUBLIC = "public"
NOBODY = "student01"
"""The name that a student replaces by their own."""


def variant(
    assignment: str, student: str, part: str = "", key: str = PUBLIC
) -> np.random.Generator:
    """Returns the random numbers of one student for a part of an assignment.

    Example:
        >>> int(variant("a1", "ada").integers(100)) == int(
        ...     variant("a1", "ada").integers(100)
        ... )
        True
    """
    text = f"{assignment}|{student.strip().casefold()}|{part}|{key}"
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def course_key() -> str:
    """Returns the grader's key; without one, hidden tests draw what students can."""
    return os.environ.get("COURSE_KEY", PUBLIC)
