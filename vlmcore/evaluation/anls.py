"""ANLS, the score for answers that are read off an image (arXiv 1905.13648).

A misread letter costs little, another word everything.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from torchmetrics.functional.text import char_error_rate

from vlmcore.config.validation import check_kind, real
from vlmcore.data.samples import as_texts
from vlmcore.evaluation.scores import ALL, BenchmarkMetric, Judged


def anls(pred: str, target: Sequence[str], threshold: float = 0.5) -> float:
    """Returns the similarity of an answer to the most similar reference.

    The similarity is one less the edit distance over the length of the longer text, and
    0 from a distance of `threshold` on. Letter case and the number of spaces do not
    count.

    Raises:
        ValueError: there is no reference.

    Example:
        >>> anls("Vsual token", ["visual token", "token"])
        0.9166666666666666
    """
    threshold = real("threshold", threshold, 0)
    check_kind("pred", pred, str, "give an answer as text")
    if not (target := as_texts("target", target)):
        raise ValueError("there is no reference; ANLS needs at least one")
    return max(_similarity(_plain(pred), _plain(text), threshold) for text in target)


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _similarity(one: str, other: str, threshold: float) -> float:
    if one == other:
        return 1.0 if threshold > 0 else 0.0
    # as in the official script: an ß counts as two letters here
    length = max(len(one.upper()), len(other.upper()))
    # the distance is no smaller than this; it spares the work on very long texts
    if abs(len(one) - len(other)) / length >= threshold:
        return 0.0
    # torchmetrics' `edit_distance` searches a beam, and finds too much for long texts
    # that are shifted; the error rate of characters searches everything
    short, long = sorted((one, other), key=len)
    distance = round(char_error_rate(short, long).item() * len(long)) / length
    return 1 - distance if distance < threshold else 0.0


class ANLS(BenchmarkMetric):
    """Average normalised Levenshtein similarity, over all questions and by kind.

    Args:
        kinds: every kind of question.
        threshold: distance from which on an answer is wrong.
        **options: those of `torchmetrics.Metric`.
    """

    references = True

    def __init__(
        self, kinds: Iterable[str] = (ALL,), threshold: float = 0.5, **options: Any
    ) -> None:
        threshold = real("threshold", threshold, 0, 1)
        super().__init__(kinds, settings=[threshold], **options)
        self.threshold = threshold

    def judge(self, pred: str, target: Sequence[str], *_: Any) -> Judged:
        """Gives the similarity to the most similar reference as points."""
        return Judged(anls(pred, target, self.threshold), bool(pred.strip()))
