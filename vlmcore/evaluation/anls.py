"""ANLS, the score for answers that are read off an image (arXiv 1905.13648).

A misread letter costs little, another word everything. Two rules differ in details that
move scores: `script` is the evaluation of DocVQA and InfographicVQA
(https://rrc.cvc.uab.es/?ch=17), which leaderboards use, and `paper` is the published
formula.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal, get_args

from torchmetrics.functional.text import char_error_rate

from vlmcore.config.validation import check_choice, check_kind, real
from vlmcore.data.samples import as_texts
from vlmcore.evaluation.scores import ALL, BenchmarkMetric, Judged

ANLSRule = Literal["script", "paper"]


def anls(
    pred: str,
    target: Sequence[str],
    threshold: float = 0.5,
    rule: ANLSRule = "script",
) -> float:
    """Returns the similarity of an answer to the most similar reference.

    The similarity is one less the edit distance over the length of the longer text.
    Letter case and the number of spaces do not count in the distance.

    Args:
        pred: the answer.
        target: its references.
        threshold: similarity below which an answer is worth nothing.
        rule: `script` divides by the length of the longer text as it was given, with
            all its spaces; a similarity that equals the threshold counts. `paper`
            divides by the length without surplus spaces, and such a similarity is 0.

    Raises:
        ValueError: there is no reference, or no such rule.

    Example:
        >>> anls("Vsual token", ["visual token", "token"])
        0.9166666666666666
        >>> anls("ab", ["ax"]), anls("ab", ["ax"], rule="paper")
        (0.5, 0.0)
    """
    threshold = real("threshold", threshold, 0)
    check_choice("rule of ANLS", rule, get_args(ANLSRule))
    check_kind("pred", pred, str, "give an answer as text")
    if not (target := as_texts("target", target)):
        raise ValueError("there is no reference; ANLS needs at least one")
    best = max(_similarity(pred, text, threshold, rule) for text in target)
    counts = best >= threshold if rule == "script" else best > threshold
    return best if counts else 0.0


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _similarity(pred: str, target: str, threshold: float, rule: ANLSRule) -> float:
    one, other = _plain(pred), _plain(target)
    if one == other:
        return 1.0
    # as in the script: an ß counts as two letters here
    measured = (pred, target) if rule == "script" else (one, other)
    length = max(len(text.upper()) for text in measured)
    # letters that only one of them has must go; that spares the work on most texts
    surplus = (Counter(one) - Counter(other), Counter(other) - Counter(one))
    if 1 - max(letters.total() for letters in surplus) / length < threshold:
        return 0.0
    # torchmetrics' `edit_distance` searches a beam, and finds too much for long texts
    # that are shifted; the error rate of characters searches everything
    short, long = sorted((one, other), key=len)
    return 1 - round(char_error_rate(short, long).item() * len(long)) / length


class ANLS(BenchmarkMetric):
    """Average normalised Levenshtein similarity, over all questions and by kind.

    Args:
        kinds: every kind of question.
        threshold: similarity below which an answer is wrong.
        rule: of `anls`.
        **options: those of `torchmetrics.Metric`.
    """

    references = True

    def __init__(
        self,
        kinds: Iterable[str] = (ALL,),
        threshold: float = 0.5,
        rule: ANLSRule = "script",
        **options: Any,
    ) -> None:
        threshold = real("threshold", threshold, 0, 1)
        check_choice("rule of ANLS", rule, get_args(ANLSRule))
        super().__init__(kinds, settings=[threshold, rule], **options)
        self.threshold, self.rule = threshold, rule

    def judge(self, pred: str, target: Sequence[str], *_: Any) -> Judged:
        """Gives the similarity to the most similar reference as points."""
        return Judged(anls(pred, target, self.threshold, self.rule), bool(pred.strip()))
