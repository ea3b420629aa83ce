"""VQA accuracy, of VQAv2, VizWiz and TextVQA (arXiv 1612.00837).

It measures how far ten annotators agree with an answer. Each of the ten is left out in
turn, and an answer is right to one third for each of the other nine who gave it, up to
three. On average over the ten that is 0, .3, .6, .9 or 1 for 0, 1, 2, 3 or more who
gave it. So the points of an answer are whole tenths.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vlmcore.config.validation import check_kind
from vlmcore.data.samples import as_texts
from vlmcore.evaluation.scores import ALL, BenchmarkMetric, Judged
from vlmcore.evaluation.vqa_text import Normalizer, check_normalizer, normalize_vqa

TENTHS = (0, 3, 6, 9, 10)
"""Points by the number of annotators who agree, in tenths; more than four are worth no
more."""
_ANNOTATORS = 10
_GUESSES: Mapping[str, Sequence[str]] = {"yes/no": ("yes", "no")}


def vqa_tenths(
    pred: str, target: Sequence[str], normalizer: Normalizer = "evalai"
) -> int:
    """Returns the accuracy of one answer in tenths.

    Args:
        pred: generated text.
        target: the answers of ten annotators.
        normalizer: the script that makes texts comparable.

    Raises:
        ValueError: there are not ten answers to compare with.
    """
    target = as_texts("target", target)
    if len(target) != _ANNOTATORS:
        raise ValueError(
            f"{len(target)} references; VQA accuracy needs the answers of "
            f"{_ANNOTATORS} annotators"
        )
    text, references = normalize_vqa(pred, target, normalizer)
    return TENTHS[min(references.count(text), len(TENTHS) - 1)]


class VQAAccuracy(BenchmarkMetric):
    """VQA accuracy over all questions and by kind.

    The standard error is that of a mean of tenths, not binomial.

    Args:
        normalizer: `evalai` for TextVQA, VizWiz and what LLaVA submits,
            `vqav2_official` for VQAv2's own script, `vqav2_2016` and `vqav2_2015` for
            its earlier states.
        kinds: every kind of question, such as the answer types of the files.
        guesses: the answers that chance guesses among, by kind; any text answers a
            question of another kind.
        **options: those of `torchmetrics.Metric`.

    Raises:
        ValueError: there is no such normaliser.

    Example:
        >>> metric = VQAAccuracy()
        >>> metric.update(["Two"], [["2"] * 3 + ["3"] * 7])
        >>> metric.compute()
        {'all': tensor(0.9000)}
        >>> metric.scores()["all"].standard_error
        0.0
    """

    references = True
    full_points = 10

    def __init__(
        self,
        normalizer: Normalizer = "evalai",
        kinds: Iterable[str] = (ALL,),
        guesses: Mapping[str, Sequence[str]] = _GUESSES,
        **options: Any,
    ) -> None:
        check_normalizer(normalizer)
        check_kind("guesses", guesses, Mapping, "give answers by kind of question")
        super().__init__(kinds, settings=[normalizer, *guesses.items()], **options)
        self.normalizer, self.guesses = normalizer, dict(guesses)

    def judge(
        self, pred: str, target: Sequence[str], kind: str = ALL, *_: Any
    ) -> Judged:
        """Gives tenths of a point for one answer to a question of ten annotators."""
        guesses = self.guesses.get(kind, ())
        got = sum(vqa_tenths(guess, target, self.normalizer) for guess in guesses)
        return Judged(
            vqa_tenths(pred, target, self.normalizer),
            bool(normalize_vqa(pred, (), self.normalizer).prediction),
            got / (10 * len(guesses)) if guesses else 0.0,
        )
