"""POPE (arXiv 2305.10355): is there a certain object in the image?

The right answer is yes to half of the questions, so that a bias towards yes shows. The
rule reads any text as yes that has no word of denial in its first sentence, an empty
answer too; `parseable` counts the answers that say yes or no outright.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from vlmcore.config.validation import check_kind
from vlmcore.evaluation.scores import BenchmarkMetric, Judged, Score

_DENIALS = {"No", "not", "no"}


class YesNo(NamedTuple):
    """The scores of one split.

    Precision is a share of the answers yes, recall of the objects that are there, and
    the yes-ratio of the answers.
    """

    accuracy: Score
    precision: Score
    recall: Score
    f1: Score
    yes_ratio: Score


def pope_answer(text: str) -> Literal["yes", "no"]:
    """Reads an answer: no if its first sentence has one of three words, else yes.

    Example:
        >>> texts = "No, it is not.", "There is. No doubt.", "", "nope", "NO"
        >>> [pope_answer(text) for text in texts]
        ['no', 'yes', 'yes', 'yes', 'yes']
    """
    check_kind("text", text, str, "give an answer as text")
    return "no" if _DENIALS & _words(text) else "yes"


def _words(text: str) -> set[str]:
    # at single spaces, as the official script: a line break joins words
    return set(text.split(".")[0].replace(",", "").split(" "))


def _scores_of(counts: Sequence[float]) -> YesNo:
    """The scores of one row of sums; the error of F1 is by the delta method.

    A score that is not defined, such as precision without any yes, is nan.
    """
    hit, false_alarm, miss, rejected, outright = map(int, counts)
    asked = hit + false_alarm + miss + rejected
    clear, there = outright / asked, (hit + miss) / asked

    def share(part: int, whole: int, chance: float) -> Score:
        value = part / whole if whole else math.nan
        error = math.sqrt(value * (1 - value) / whole) if whole else math.nan
        return Score(value, whole, clear, chance, error)

    weight = 2 * hit + false_alarm + miss
    f1 = 2 * hit / weight if weight else math.nan
    error = math.sqrt(f1 * (1 - f1) * (2 - f1) / weight) if weight else math.nan
    return YesNo(
        accuracy=share(hit + rejected, asked, 0.5),
        precision=share(hit, hit + false_alarm, there),
        recall=share(hit, hit + miss, 0.5),
        f1=Score(f1, asked, clear, there / (there + 0.5), error),
        yes_ratio=share(hit + false_alarm, asked, 0.5),
    )


def _mean(scores: Sequence[Score]) -> Score:
    value, count, *rest = (
        sum(column) / len(scores) for column in zip(*scores, strict=True)
    )
    return Score(value, round(count * len(scores)), *rest)


class POPE(BenchmarkMetric):
    """POPE's scores by split, and their means over the splits that were asked.

    The kinds of questions are the splits `random`, `popular` and `adversarial`.
    LLaVA-1.5's 85.9 is the mean of three F1. The standard error of a mean is the mean
    of the errors, its largest possible value: the splits share images and objects.

    Example:
        >>> metric = POPE()
        >>> metric.update(["Yes", "No, there is none.", "yes"], ["yes", "no", "no"])
        >>> metric.compute()["mean_f1"]
        tensor(0.6667)
    """

    def judge(self, pred: str, target: str, *_: Any) -> Judged:
        """Gives a point for the right one of yes and no, in lower case."""
        if target not in ("yes", "no"):
            raise ValueError(f"label {target!r} is neither yes nor no")
        outright = (_DENIALS | {"yes", "Yes"}) & _words(pred)
        return Judged(int(pope_answer(pred) == target), bool(outright), 0.5)

    def _counts(self, judged: Judged, *details: Any) -> tuple[float, ...]:
        """Counts hits, false alarms, misses, rejections, and outright answers."""
        right, there = bool(judged.points), details[0] == "yes"
        hit, alarm = right and there, not (right or there)
        return hit, alarm, there and not right, right and not there, judged.parseable

    def _scores(self) -> dict[str, YesNo]:
        named = zip(self.rows, self.sums.tolist(), strict=True)
        scores = {str(split): _scores_of(row) for split, row in named if any(row)}
        means = map(_mean, zip(*scores.values(), strict=True))
        return scores | {"mean": YesNo(*means)}
