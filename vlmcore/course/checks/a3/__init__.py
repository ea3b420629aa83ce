"""Public checks of assignment A3, *fit the law*."""

from vlmcore.course.checks.a3.buying import q1, q3
from vlmcore.course.checks.a3.certainty import q4, q5, q6
from vlmcore.course.checks.a3.fitting import q2

A3_CHECKS = {"q1": q1, "q2": q2, "q3": q3, "q4": q4, "q5": q5, "q6": q6}
"""For each question a function that is given the answer and returns the first mistake
it finds, or None."""
