"""Questions 4 to 6 of A3: what the data pin down, how firmly, and how much doubtful points matter."""

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd

from vlmcore import paper
from vlmcore.checks.a3.product_law import PLANTED, TASKS, Points, fit, planted, published, ratio_interval


def q4(answer: Callable) -> str | None:
    """Profiles of a planted law, at its own floor and beside it."""
    points, floors = planted(PLANTED), [-0.5, PLANTED.floor, 0.2]
    rows = np.asarray(answer(*points, floors), float)
    if rows.shape != (3, 3):
        return f"for 3 floors you returned the shape {rows.shape}: return one row for each floor with alpha, beta and the sum of squares."
    if np.ptp(rows[:, 0]) < 1e-6 and np.ptp(rows[:, 2]) < 1e-9:
        return "all rows are the same: D has to stay at the given value while the others are fitted, not be fitted again."
    if np.ptp(rows[:, 0]) < 1e-6:
        return "alpha is the same at every floor: you kept the exponents of the free fit. Fit alpha and beta again for each floor."
    own = rows[1]
    if np.allclose(own[:2], (PLANTED.beta, PLANTED.alpha), rtol=0.01):
        return "alpha and beta are exchanged: a row is alpha, beta, sum of squares."
    if not np.allclose(own[:2], (PLANTED.alpha, PLANTED.beta), rtol=0.01):
        return f"with D held at the planted {PLANTED.floor:g} the planted alpha = {PLANTED.alpha:g} should return; you have {own[0]:.4g}."
    for (alpha, beta, total), floor in zip(rows, floors, strict=True):
        above = points._replace(error=points.error - floor)
        x = above.n**-alpha * above.v**-beta
        least = float(np.sum((x * (x @ above.error) / (x @ x) - above.error) ** 2))
        for sentence, value in {
            "you returned the mean of the squares: the question asks for their sum.": least / len(x),
            "you returned the root: the question asks for the sum of squares itself.": least**0.5,
            "you returned half the sum of squares, which is what scipy's `cost` is.": least / 2,
        }.items():
            if least > 1e-9 and abs(total - value) < 1e-3 * value:
                return sentence
        if abs(total - least) > 1e-3 * least + 1e-9:
            return f"at D = {floor:g} your row says {total:.4g}, but its alpha and beta reach {least:.4g}: fit A·B to the error minus D."
    return None


def q5(answer: Callable) -> str | None:
    """Intervals on the published points, at two levels."""
    cases: list[tuple[paper.Task, float]] = [("visual", 0.95), ("visual", 0.5), ("ocr", 0.95)]
    for task, level in cases:
        points = published(task)
        low, high = map(float, answer(*points, level))
        right = ratio_interval(points, level)
        law = fit(points)
        ratio = law.alpha / law.beta
        if low > high:
            return f"your interval runs from {low:.3g} down to {high:.3g}: return the lower end first."
        if not low < ratio < high:
            return f"your interval on the {task} points, {low:.3g} to {high:.3g}, does not contain the best ratio itself, {ratio:.3g}."
        share = (high - low) / (right[1] - right[0])
        if level != 0.95 and share > 1.5:
            return "your interval does not become narrower at level 0.5: use `level` in the quantile."
        if share > 1.3:
            return (
                f"your interval on the {task} points is {share:.1f} times too wide. Did you divide the ends of two intervals? alpha and beta "
                "move together: take the ratio in each fit. Or is the limit not relative to the noise, S_min/(n - k)?"
            )
        if 0.4 < share < 0.65:
            return f"your interval on the {task} points has {share:.0%} of the width: that looks like one standard error, not {level:.0%}."
        if share < 0.75 or max(abs(low - right[0]), abs(high - right[1])) > 0.2 * (right[1] - right[0]):
            return (
                f"on the {task} points you have {low:.3g} to {high:.3g}, and {right[0]:.3g} to {right[1]:.3g} is right: hold the ratio, fit all "
                "the rest again, and look where the sum of squares crosses the limit on either side."
            )
    return None


def q6(answer: Callable) -> str | None:
    """All subsets of the doubtful points of the OCR task."""
    scores, doubtful = paper.scores("ocr"), paper.doubtful_points()
    low, high = map(float, answer(scores.copy(), doubtful.copy(), "ocr"))
    points = published("ocr")
    rows = {name: _rows(points, doubtful[doubtful["set"] == name]) for name in TASKS}
    mine = rows["ocr"]
    whole_sizes = [np.flatnonzero(points.n == n).tolist() for n in np.unique(points.n[mine])]
    everything = sorted(set(mine + rows["visual"]))
    right = _range(points, _subsets(*([i] for i in mine)))
    if np.allclose((low, high), right, rtol=3e-3):
        return None
    mistaken: dict[str, list[list[int]]] = {
        "nothing was dropped: N is in billions in one table and not in the other, and floats rarely match exactly.": [[]],
        "you only dropped all of them at once: nobody says that all are wrong. Try every subset.": [mine],
        "you only compared none with all: a subset in between moves the ratio further.": [[], mine],
        "you only dropped one point at a time: pairs and all three are ways to doubt, too.": [[], *([i] for i in mine)],
        "you never dropped nothing or several: every subset counts, from none to all.": [[i] for i in mine],
        "you also dropped the points that are doubtful in the other task: keep the rows of `doubtful` whose set is the task.": _subsets(
            *([i] for i in everything)
        ),
        "you dropped whole language models: only the one V of each that is listed is in doubt.": _subsets(*whole_sizes),
    }
    for sentence, subsets in mistaken.items():
        if np.allclose((low, high), _range(points, subsets), rtol=3e-3):
            return sentence
    if low > high:
        return "return the smallest ratio first."
    return f"{low:.4g} to {high:.4g} is not the range over all {2 ** len(mine)} subsets; does `fit_product` pass its own check?"


def _rows(points: Points, doubtful: pd.DataFrame) -> list[int]:
    """Indices of the points that a table of doubtful ones lists."""
    listed = zip(doubtful["params_billion"], doubtful["visual_tokens"], strict=True)
    return [int(np.flatnonzero(np.isclose(points.n, n) & (points.v == v))[0]) for n, v in listed]


def _subsets(*groups: list[int]) -> list[list[int]]:
    """All ways to take some of the groups, each with all its members."""
    chosen = itertools.product([False, True], repeat=len(groups))
    return [[i for group in itertools.compress(groups, take) for i in group] for take in chosen]


def _range(points: Points, subsets: list[list[int]]) -> tuple[float, float]:
    """Smallest and largest alpha / beta when each of the subsets is dropped."""
    laws = [fit(Points(*(np.delete(column, subset) for column in points))) for subset in subsets]
    ratios = [law.alpha / law.beta for law in laws]
    return min(ratios), max(ratios)
