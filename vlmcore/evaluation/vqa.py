"""VQA accuracy, of VQAv2, VizWiz and TextVQA: how far ten people agree with an answer (arXiv 1612.00837).

Each of the ten is left out in turn, and an answer is right to one third for each of the
other nine who gave it, up to three. On average over the ten that is 0, .3, .6, .9 or 1
for 0, 1, 2, 3 or more who gave it. So the points of an answer are whole tenths.
"""

from collections.abc import Iterable, Mapping, Sequence

from torch import Tensor
from torchmetrics import Metric

from vlmcore.evaluation.scores import (
    ALL,
    Judged,
    Score,
    accumulate,
    by_kind,
    keep_tally,
    rows_of,
    same_length,
)
from vlmcore.evaluation.vqa_text import Normalizer, check_normalizer, normalize_vqa

REFERENCES = 10
TENTHS = (0, 3, 6, 9, 10)
"""Points for as many people as agree, in tenths; more than four are worth no more."""

GUESSES: Mapping[str, tuple[str, ...]] = {"yes/no": ("yes", "no")}
"""What one guesses among, by kind of question; any text answers a question of another
kind."""


def vqa_tenths(
    prediction: str, references: Sequence[str], normalizer: Normalizer = "evalai"
) -> int:
    """Accuracy of one answer in tenths.

    Args:
        prediction: generated text.
        references: what ten people answered.
        normalizer: how texts are made comparable.

    Raises:
        ValueError: there are not ten references.
    """
    if len(references) != REFERENCES:
        raise ValueError(
            f"{len(references)} references; VQA accuracy needs the answers of "
            f"{REFERENCES} people"
        )
    said = normalize_vqa(prediction, references, normalizer)
    return TENTHS[min(said.references.count(said.prediction), len(TENTHS) - 1)]


def judge_vqa(
    prediction: str,
    references: Sequence[str],
    normalizer: Normalizer = "evalai",
    guesses: Sequence[str] = (),
) -> Judged:
    """Tenths of one answer, whether it says anything, and what a guess would get on average."""
    chance = (
        sum(vqa_tenths(guess, references, normalizer) for guess in guesses)
        / (10 * len(guesses))
        if guesses
        else 0.0
    )
    said = normalize_vqa(prediction, (), normalizer).prediction
    return Judged(vqa_tenths(prediction, references, normalizer), bool(said), chance)


class VQAAccuracy(Metric):
    """VQA accuracy over all questions and by kind. The standard error is that of a mean of tenths, not binomial.

    Args:
        normalizer: `evalai` for TextVQA, VizWiz and what LLaVA submits,
            `vqav2_official` for VQAv2's own script.
        kinds: every kind of question, such as the answer types of the files.
        guesses: what chance guesses among, by kind.

    Raises:
        ValueError: there is no such normaliser.

    Example:
        >>> metric = VQAAccuracy()
        >>> metric.update(["Two"], [["2"] * 3 + ["3"] * 7])
        >>> metric.compute()["all"].value
        0.9
    """

    full_state_update = False
    counts: Tensor
    chance: Tensor

    def __init__(
        self,
        normalizer: Normalizer = "evalai",
        kinds: Iterable[str] = (ALL,),
        guesses: Mapping[str, Sequence[str]] = GUESSES,
    ) -> None:
        super().__init__()
        check_normalizer(normalizer)
        self.normalizer, self.kinds, self.guesses = (
            normalizer,
            keep_tally(self, kinds),
            dict(guesses),
        )

    def update(
        self,
        predictions: Sequence[str],
        references: Sequence[Sequence[str]],
        kinds: Sequence[str] | None = None,
    ) -> None:
        """Adds generated texts, and the ten references of each.

        Raises:
            ValueError: not ten references for each text, or a kind of question that was
                not announced.
        """
        same_length(predictions, references, *([] if kinds is None else [kinds]))
        rows = rows_of(kinds, self.kinds, len(references))
        guesses = [self.guesses.get(kind, ()) for kind in self.kinds]
        judged = [
            judge_vqa(said, right, self.normalizer, guesses[row])
            for said, right, row in zip(predictions, references, rows, strict=True)
        ]
        accumulate(self, judged, rows)

    def compute(self) -> dict[str, Score]:
        """Scores under `all` and under each kind that was asked."""
        return by_kind(self, self.kinds, full=10)
