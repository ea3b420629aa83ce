"""Question 6 of A3: the effect of doubtful points."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from vlmcore import paper
from vlmcore.course.checks.a3.points import predicted
from vlmcore.course.checks.tables import stored
from vlmcore.scaling import Product

Case = tuple[pd.DataFrame, pd.DataFrame, str]
"""The arguments of an answer: scores, doubtful points, and the task."""


def range_cases() -> list[Case]:
    """Returns the doubtful OCR points, and points of a law.

    Of the published points the extremes belong to some of the doubtful ones; of the
    others they belong to none and to all.
    """
    return [(paper.scores("ocr"), paper.doubtful_points(), "ocr"), spoilt_scores()]


def q6(answer: Callable) -> str | None:
    """Checks the range in each case."""
    for (scores, doubtful, task), known in zip(
        range_cases(), stored("a3.q6"), strict=True
    ):
        low, high = map(float, answer(scores, doubtful, task))
        if np.allclose((low, high), known["right"], rtol=3e-3):
            continue
        for sentence, ends in known["mistakes"].items():
            if np.allclose((low, high), ends, rtol=3e-3):
                return sentence
        if low > high:
            return "return the smallest ratio first."
        return (
            f"{low:.4g} to {high:.4g} is not the range over all "
            f"{2 ** (doubtful['set'] == task).sum()} subsets; does `fit_product` pass "
            "its own check?"
        )
    return None


def spoilt_scores() -> Case:
    """Returns points of a law of which three are spoilt in the same direction."""
    scores = paper.scores("visual")[["params", "visual_tokens"]]
    spoilt, clean = [20, 21, 15], [2]
    n, v = scores["params"].to_numpy() / 1e9, scores["visual_tokens"].to_numpy(float)
    error = predicted(Product(0.7, 0.12, 0.06, 0.05), n, v)
    error[spoilt] *= [0.97, 1.02, 1.02]
    rows = scores.iloc[spoilt + clean]
    listed = {
        "set": ["visual"] * 3 + ["ocr"],
        "params_billion": rows["params"].to_numpy() / 1e9,
        "visual_tokens": rows["visual_tokens"].to_numpy(),
    }
    return scores.assign(score=1 - error, error=error), pd.DataFrame(listed), "visual"
