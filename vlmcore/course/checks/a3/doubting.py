"""Question 6 of A3: the effect of doubtful points."""

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd

from vlmcore import paper
from vlmcore.course.checks.a3.points import ModelArrays, best
from vlmcore.scaling import Product
from vlmcore.scaling.quantities import estimate


def q6(answer: Callable) -> str | None:
    """Checks the range for the doubtful OCR points, and for points of a law.

    Of the published points the extremes belong to some of the doubtful ones; of the
    others they belong to none and to all.
    """
    ocr = paper.scores("ocr"), paper.doubtful_points(), "ocr"
    return _wrong_range(answer, *ocr) or _wrong_range(answer, *spoilt_scores())


def spoilt_scores() -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Returns points of a law of which three are spoilt in the same direction."""
    scores = paper.scores("visual")[["params", "visual_tokens"]]
    spoilt, clean = [20, 21, 15], [2]
    error = Product(0.7, 0.12, 0.06, 0.05).predict(
        scores["params"], scores["visual_tokens"]
    )
    error[spoilt] *= [0.97, 1.02, 1.02]
    rows = scores.iloc[spoilt + clean]
    listed = {
        "set": ["visual"] * 3 + ["ocr"],
        "params_billion": rows["params"].to_numpy() / 1e9,
        "visual_tokens": rows["visual_tokens"].to_numpy(),
    }
    return scores.assign(score=1 - error, error=error), pd.DataFrame(listed), "visual"


def _wrong_range(
    answer: Callable, scores: pd.DataFrame, doubtful: pd.DataFrame, task: str
) -> str | None:
    low, high = map(float, answer(scores.copy(), doubtful.copy(), task))
    points = ModelArrays(
        scores["params"].to_numpy() / 1e9,
        scores["visual_tokens"].to_numpy(float),
        scores["error"].to_numpy(),
    )
    of_task = doubtful["set"] == task
    mine, others = (_rows(points, doubtful[rows]) for rows in (of_task, ~of_task))
    right = ratio_range(points, subsets_of(_alone(mine)))
    if np.allclose((low, high), right, rtol=3e-3):
        return None
    for sentence, subsets in _wrong_subsets(points, mine, others).items():
        if np.allclose((low, high), ratio_range(points, subsets), rtol=3e-3):
            return sentence
    if low > high:
        return "return the smallest ratio first."
    return (
        f"{low:.4g} to {high:.4g} is not the range over all {2 ** len(mine)} "
        "subsets; does `fit_product` pass its own check?"
    )


def _wrong_subsets(
    points: ModelArrays, mine: list[int], others: list[int]
) -> dict[str, list[list[int]]]:
    """Returns, for each mistake, the subsets that it leaves out."""
    sizes = np.unique(points.n[mine])
    every = subsets_of(_alone(mine))
    whole_sizes = [np.flatnonzero(points.n == n).tolist() for n in sizes]
    return {
        "nothing was dropped: N is in billions in one table and not in the other, and "
        "floats rarely match exactly.": [[]],
        "you only dropped all of them at once: nobody says that all are wrong. Try "
        "every subset.": [mine],
        "you only compared none with all: a subset in between moves the ratio "
        "further.": [[], mine],
        "you only dropped one point at a time: pairs and all three are ways to doubt, "
        "too.": [[], *_alone(mine)],
        "you never dropped nothing or several: every subset counts, from none to "
        "all.": _alone(mine),
        "you also dropped the points that are doubtful in the other task: keep the "
        "rows of `doubtful` whose set is the task.": subsets_of(
            _alone(sorted({*mine, *others}))
        ),
        "you never drop all of them: every subset counts, from none to all.": [
            subset for subset in every if len(subset) < len(mine)
        ],
        "you always drop at least one: to drop none is one of the subsets, too.": [
            subset for subset in every if subset
        ],
        "you left out none and all: every subset counts, from none to all.": [
            subset for subset in every if 0 < len(subset) < len(mine)
        ],
        "you dropped every V of the list from every N of the list: only the listed "
        "pairs of N and V are in doubt.": [
            np.flatnonzero(
                np.isin(points.n, points.n[subset])
                & np.isin(points.v, points.v[subset])
            ).tolist()
            for subset in every
        ],
        "you dropped whole language models: only the one V of each that is listed is "
        "in doubt.": subsets_of(whole_sizes),
    }


def _alone(rows: list[int]) -> list[list[int]]:
    return [[row] for row in rows]


def _rows(points: ModelArrays, doubtful: pd.DataFrame) -> list[int]:
    """Returns the indices of the points that a table of doubtful points lists."""
    listed = zip(doubtful["params_billion"], doubtful["visual_tokens"], strict=True)
    return [
        int(np.flatnonzero(np.isclose(points.n, n) & (points.v == v))[0])
        for n, v in listed
    ]


def subsets_of(groups: list[list[int]]) -> list[list[int]]:
    """Returns the union of the groups, for every choice of groups."""
    chosen = itertools.product([False, True], repeat=len(groups))
    return [
        [i for group in itertools.compress(groups, take) for i in group]
        for take in chosen
    ]


def ratio_range(points: ModelArrays, subsets: list[list[int]]) -> tuple[float, float]:
    """Returns the smallest and largest alpha / beta without one of the subsets."""
    fits = [
        best(ModelArrays(*(np.delete(column, subset) for column in points)))
        for subset in subsets
    ]
    ratios = [estimate(fit, "ratio") for fit in fits]
    return min(ratios), max(ratios)
