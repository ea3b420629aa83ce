"""MMBench (arXiv 2307.06281): a question counts only if it is right in every rotation.

It is asked once for each rotation of its options. A model that answers A to everything
is right once in four times by the usual count, and never by this one.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vlmcore.config.validation import check_kind, whole
from vlmcore.data.benchmarks.question import lettered
from vlmcore.evaluation.choices import check_option, mmbench_option
from vlmcore.evaluation.scores import ALL, BenchmarkMetric, Judged, Score


class MMBenchScore(NamedTuple):
    """Share of questions that are right in every rotation, and in the first.

    Where only first rotations were asked, the circular score is nan.
    """

    circular: Score
    vanilla: Score


class MMBench(BenchmarkMetric):
    """Circular and vanilla accuracy over all questions and by kind.

    Args:
        questions: kind of each question, by its number without the rotation.
        **options: those of `torchmetrics.Metric`.

    Example:
        >>> metric, turned = MMBench({7: "color"}), [["red", "blue"], ["blue", "red"]]
        >>> metric.update(["A", "A"], ["A", "B"], turned, [7, 7], [0, 1])
        >>> metric.compute()["all_vanilla"], metric.compute()["all_circular"]
        (tensor(1.), tensor(0.))
    """

    row_name = "question"

    def __init__(self, questions: Mapping[Hashable, str], **options: Any) -> None:
        check_kind("questions", questions, Mapping, "give the kind of each question")
        super().__init__(questions, columns=6, **options)
        self.kinds = list(questions.values())

    def update(  # type: ignore[override]
        self,
        preds: Sequence[str],
        target: Sequence[str],
        options: Sequence[Sequence[str]],
        questions: Sequence[Hashable],
        rotations: Sequence[int],
    ) -> None:
        """Adds generated texts, in any order.

        Args:
            preds: generated texts.
            target: letters of the right options.
            options: their texts, as rotated.
            questions: the number of each question without the rotation.
            rotations: the number of each rotation, from 0.

        Raises:
            ValueError: not one of each, a right option that does not exist, or a
                question that was not announced.
        """
        self._add(questions, preds, target, options, rotations)

    def judge(self, pred: str, target: str, options: Sequence[str], *_: Any) -> Judged:
        """Gives a point for the letter of the right option, which must exist."""
        check_option(target, len(options))
        chosen, choices = mmbench_option(pred, options), len(lettered(options))
        return Judged(int(chosen == target), chosen is not None, 1 / choices)

    def _counts(self, judged: Judged, *details: Any) -> tuple[float, ...]:
        """Options; asked, parseable, right in all turns; asked, right in the first."""
        _, options, rotation = details
        right, first = judged.points, whole("a rotation", rotation, 0) == 0
        return (
            len(lettered(options)) * first,
            1,
            judged.parseable,
            right,
            first,
            right * first,
        )

    def _scores(self) -> dict[str, MMBenchScore]:
        """Raises ValueError when a question was not asked once in each rotation."""
        options, times, first = self.sums[:, 0], self.sums[:, 1], self.sums[:, 4]
        asked = times > 0
        first_only = bool((times == first)[asked].all())
        incomplete = asked & ((times != options) | (first != 1))
        incomplete &= not first_only
        for i in incomplete.nonzero()[:1].flatten().tolist():
            raise ValueError(
                f"question {list(self.rows)[i]!r} was asked {int(times[i])} times; it "
                f"has {int(options[i]) or 'no first rotation of its'} options, so ask "
                "it once for each rotation of them"
            )
        number = {kind: i for i, kind in enumerate(dict.fromkeys(self.kinds))}
        kind = torch.tensor([number[kind] for kind in self.kinds], device=asked.device)
        scores = {ALL: _score_of(self.sums[asked], first_only)}
        return scores | {
            name: _score_of(self.sums[chosen], first_only)
            for name, i in number.items()
            if (chosen := asked & (kind == i)).any()
        }


def _score_of(counts: Tensor, first_only: bool) -> MMBenchScore:
    options, asked, parseable, right, _, first_right = counts.T
    readable = (parseable.sum() / asked.sum()).item()

    def share(values: Tensor, chance: Tensor) -> Score:
        value, count = values.double().mean().item(), len(values)
        error = math.sqrt(value * (1 - value) / count)
        return Score(value, count, readable, chance.mean().item(), error)

    vanilla = share(first_right, 1 / options)
    if first_only:  # nothing is known of the rotations
        none = Score(math.nan, 0, readable, math.nan, math.nan)
        return MMBenchScore(none, vanilla)
    return MMBenchScore(share(right == asked, options**-asked), vanilla)
