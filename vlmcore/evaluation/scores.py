"""Scores of benchmarks, and the base class of the metrics that give them.

A metric judges every answer by the rule of its benchmark and sums the judgements in one
tensor with a row for each kind of question, so that the sums of batches and of
processes add up to those of the whole. The sums are doubles; wherever the points of a
rule are integers they are exact, and no order of adding changes a digit.
"""

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import torch
from torch import Tensor
from torchmetrics import Metric

from vlmcore.config.validation import as_list, check_kind, whole
from vlmcore.data.samples import as_texts

ALL = "all"


class Score(NamedTuple):
    """A score with its count, share parseable, chance level and standard error.

    All are shares between 0 and 1, except for the count and for MME's scores, which are
    points.
    """

    value: float
    count: int  # type: ignore[assignment]  # a tuple's own `count` is of no use here
    parseable: float
    """Share of answers that the benchmark's rule can read."""
    chance: float
    """The same score of a guess among the answers that make sense to each question; 0
    where any text is an answer."""
    standard_error: float
    """Of `value`, for questions drawn from the same source."""


class Judged(NamedTuple):
    """The judgement of a benchmark's rule on one answer."""

    points: float
    parseable: bool
    chance: float = 0.0
    """Share of the full points that a guess gets."""


class BenchmarkMetric(Metric):
    """The base class of the metrics: by default a mean of points, by kind of question.

    A subclass defines `judge`; its `update` takes the same arguments for many answers.

    Args:
        kinds: names of the rows that are summed apart, such as every kind of question.
        columns: sums in a row.
        settings: everything else that the judgement depends on.
        **options: those of `torchmetrics.Metric`.
    """

    full_state_update = False
    is_differentiable = False
    higher_is_better = True
    plot_lower_bound: float | None = 0.0
    plot_upper_bound: float | None = 1.0
    full_points = 1
    """Points of a right answer."""
    row_name = "kind"
    """Name of a row in messages."""
    references = False
    """Whether a question has several right answers."""

    def __init__(
        self,
        kinds: Iterable[Hashable] = (ALL,),
        columns: int = 5,
        settings: Iterable[object] = (),
        **options: Any,
    ) -> None:
        super().__init__(**options)
        names = as_list("kinds", kinds)
        for kind in names:
            check_kind(f"a {self.row_name}", kind, Hashable, "give a name")
        self.rows = {kind: row for row, kind in enumerate(dict.fromkeys(names))}
        # a MetricCollection merges metrics whose states have the same name and, after
        # the first batch, the same values; so the name depends on the rule
        code = 0
        for part in (type(self).__name__, *settings, *self.rows):
            code = crc32(repr(part).encode(), code)
        self._state = f"sums_{code:08x}"
        zeros = torch.zeros(len(self.rows), columns, dtype=torch.double)
        self.add_state(self._state, zeros, dist_reduce_fx="sum")

    @property
    def sums(self) -> Tensor:
        """The sums over questions, double (rows, columns)."""
        return self.metric_state[self._state]  # type: ignore[return-value]

    def judge(self, *_: Any, **__: Any) -> Judged:
        """Judges one answer; its arguments are those of `update`, for one question."""
        raise NotImplementedError

    def update(
        self,
        preds: Sequence[str],
        target: Sequence[Any],
        kinds: Sequence[str] | None = None,
        choices: Sequence[int | None] | None = None,
    ) -> None:
        """Adds generated texts.

        Args:
            preds: generated texts.
            target: the right answer, or answers, to each question.
            kinds: kind of each question; not needed when there is one.
            choices: number of answers that make sense to each question, such as 2 for
                yes or no, which gives the chance level; None for any text.

        Raises:
            ValueError: not one of each, one that is no text, or a kind that was not
                announced.
        """
        preds = as_texts("preds", preds)
        of = list(self.rows)[:1] * len(preds) if kinds is None else kinds
        among = [None] * len(preds) if choices is None else as_list("choices", choices)
        among = [None if n is None else whole("choices", n) for n in among]
        self._add(of, preds, target, of, among)

    def _add(
        self,
        kinds: Sequence[Hashable],
        preds: Sequence[str],
        target: Sequence[Any],
        *details: Sequence[Any],
    ) -> None:
        """Sums the judgements on answers; `details` go to `judge` behind each."""
        preds = as_texts("preds", preds)
        if self.references:
            several = as_list("target", target)
            target = [as_texts("a target", texts) for texts in several]
        else:
            target = as_texts("target", target)
        kinds, *columns = (as_list("a column", x) for x in (kinds, target, *details))
        for column in (kinds, *columns):
            if len(column) != len(preds):
                raise ValueError(
                    f"{len(preds)} predictions cannot answer {len(column)} questions; "
                    "give one for each"
                )
        for kind in kinds:
            check_kind(f"a {self.row_name}", kind, Hashable, "give a name")
        if unknown := set(kinds) - set(self.rows):
            raise ValueError(
                f"{self.row_name} {min(unknown, key=str)!r} was not announced; name "
                f"every {self.row_name} when the metric is made"
            )
        values = [
            self._counts(self.judge(pred, *detail), *detail)
            for pred, *detail in zip(preds, *columns, strict=True)
        ]
        device = self.sums.device
        rows = torch.tensor([self.rows[kind] for kind in kinds], device=device).long()
        added = torch.tensor(values, dtype=torch.double, device=device)
        sums = self.sums.index_add(0, rows, added.view(-1, self.sums.shape[1]))
        setattr(self, self._state, sums)

    def _counts(self, judged: Judged, *details: Any) -> tuple[float, ...]:
        """The numbers that one answer adds to its row."""
        _, _, choices = details
        chance = 1 / choices if choices else judged.chance
        return 1, judged.parseable, judged.points, judged.points**2, chance

    def scores(self) -> dict[str, Any]:
        """Returns a `Score`, or a named tuple of some, under `all` and by kind asked.

        Raises:
            ValueError: no question was asked.
        """
        with self.sync_context(
            dist_sync_fn=self.dist_sync_fn, should_sync=self.sync_on_compute
        ):
            return self._checked_scores()

    def compute(self) -> dict[str, Tensor]:
        """Returns the values of `scores` under flat names, as `log_dict` takes them.

        Raises:
            ValueError: no question was asked.
        """
        flat = dict[str, float]()
        for kind, score in self._checked_scores().items():
            if isinstance(score, Score):
                flat[kind] = score.value
            else:
                parts = score._asdict().items()
                flat |= {f"{kind}_{name}": part.value for name, part in parts}
        device = self.sums.device
        return {
            name: torch.tensor(value, device=device) for name, value in flat.items()
        }

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """Plots `compute`, or values from it, as `torchmetrics.Metric.plot` does."""
        return self._plot(val, ax)

    def _checked_scores(self) -> dict[str, Any]:
        if not self.sums.any():
            raise ValueError(
                "no question was asked; update the metric before computing it"
            )
        return self._scores()

    def _scores(self) -> dict[str, Any]:
        named = zip(self.rows, self.sums.tolist(), strict=True)
        asked = {str(kind): row for kind, row in named if row[0]}
        whole = [sum(column) for column in zip(*asked.values(), strict=True)]
        return {kind: self._mean(row) for kind, row in ({ALL: whole} | asked).items()}

    def _mean(self, sums: Sequence[float]) -> Score:
        """The mean of points; its error is binomial where they are all or nothing."""
        asked, parseable, points, squares, chance = sums
        value = points / (self.full_points * asked)
        variance = max(squares / (self.full_points**2 * asked) - value**2, 0.0)
        error = math.sqrt(variance / asked)
        return Score(value, int(asked), parseable / asked, chance / asked, error)
