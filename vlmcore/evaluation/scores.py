"""What a score is, and the sums it is made of: those of batches and of processes add up to those of the whole.

A *rule* of a benchmark is a plain function from an answer and what it is held against
to a `Judged`. Metrics sum what the rule says by kind of question. Sums are integers
wherever the points of a rule are, so that no order of adding changes a digit.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torchmetrics import Metric

ALL = "all"


class Score(NamedTuple):
    """A score and what is needed to judge it. All are shares between 0 and 1, but for the count, and for MME, whose scores are points."""

    value: float
    count: int  # type: ignore[assignment]  # a tuple's own `count` is of no use here
    parseable: float
    """Share of answers that the benchmark's rule can read."""
    chance: float
    """The same score of a guess among the answers that make sense to each question; 0
    where any text is an answer."""
    standard_error: float
    """Of `value` for questions drawn from the same source."""


class Judged(NamedTuple):
    """What a rule says of one answer."""

    points: float
    parseable: bool
    chance: float = 0.0
    """Share of the full points that a guess gets."""


class Tally(NamedTuple):
    """Sums over questions, a row for each of k kinds."""

    counts: Tensor
    """(k, 4): questions, parseable answers, points, squared points."""
    chance: Tensor
    """double (k,)"""


class Tallied(Protocol):
    """A metric that keeps a `Tally` as its state."""

    counts: Tensor
    chance: Tensor


def empty(kinds: int, dtype: torch.dtype = torch.long) -> Tally:
    """Sums over no question; `dtype` is floating for rules that give fractions of points."""
    return Tally(
        torch.zeros(kinds, 4, dtype=dtype), torch.zeros(kinds, dtype=torch.double)
    )


def tally(judged: Iterable[Judged], rows: Sequence[int], into: Tally) -> Tally:
    """Adds what a rule said to sums, without changing them.

    Args:
        judged: one a question.
        rows: kind of each question.
        into: sums so far.
    """
    answers = list(judged)
    device, dtype = into.counts.device, into.counts.dtype
    counts = [
        (1, answer.parseable, answer.points, answer.points**2) for answer in answers
    ]
    row = torch.tensor(rows, dtype=torch.long, device=device)
    return Tally(
        into.counts.index_add(
            0, row, torch.tensor(counts, dtype=dtype, device=device).view(-1, 4)
        ),
        into.chance.index_add(
            0,
            row,
            torch.tensor(
                [answer.chance for answer in answers], dtype=torch.double, device=device
            ),
        ),
    )


def keep_tally(
    metric: Metric, kinds: Iterable[str], dtype: torch.dtype = torch.long
) -> dict[str, int]:
    """Makes the sums of `empty` the state of a metric, to be added up across processes.

    Returns:
        The row of each kind.
    """
    rows = numbered(kinds)
    for name, zeros in empty(len(rows), dtype)._asdict().items():
        metric.add_state(name, zeros, dist_reduce_fx="sum")
    return rows


def accumulate(metric: Tallied, judged: Iterable[Judged], rows: Sequence[int]) -> None:
    """Adds what a rule said to the state of a metric."""
    metric.counts, metric.chance = tally(
        judged, rows, Tally(metric.counts, metric.chance)
    )


def by_kind(metric: Tallied, kinds: Iterable[str], full: int = 1) -> dict[str, Score]:
    """Scores under `all` and under each kind that was asked.

    Args:
        metric: holds the sums.
        kinds: names of their rows.
        full: points of a right answer.

    Raises:
        ValueError: no question was asked.
    """
    counts, chance = metric.counts.tolist(), metric.chance.tolist()
    scores = {
        ALL: mean_score(
            [sum(column) for column in zip(*counts, strict=True)], sum(chance), full
        )
    }
    return scores | {
        kind: mean_score(row, guess, full)
        for kind, row, guess in zip(kinds, counts, chance, strict=True)
        if row[0]
    }


def mean_score(sums: Sequence[float], chance: float, full: int = 1) -> Score:
    """The mean of points with its standard error; binomial where points are all or nothing.

    Args:
        sums: questions, parseable answers, points, squared points.
        chance: sum over questions.
        full: points of a right answer.
    """
    asked, parseable, points, squares = sums
    if asked == 0:
        raise ValueError("no question was asked; update the metric before computing it")
    value = points / (full * asked)
    variance = max(squares / (full**2 * asked) - value**2, 0.0)
    return Score(
        value,
        int(asked),
        parseable / asked,
        chance / asked,
        math.sqrt(variance / asked),
    )


def same_length(predictions: Sequence[str], *others: Sequence[object]) -> None:
    """Raises ValueError when something is not given once for each prediction."""
    for other in others:
        if len(other) != len(predictions):
            raise ValueError(
                f"{len(predictions)} predictions cannot answer {len(other)} "
                "questions; give one for each"
            )


def rows_of(
    kinds: Sequence[str] | None, known: Mapping[str, int], count: int
) -> list[int]:
    """Row of each question's kind; the first where no kinds are given.

    Raises:
        ValueError: a kind was not announced.
    """
    if kinds is None:
        return [0] * count
    if unknown := set(kinds) - set(known):
        raise ValueError(
            f"questions of kind {sorted(unknown)} were not announced; the kinds are "
            f"{sorted(known)}"
        )
    return [known[kind] for kind in kinds]


def numbered(names: Iterable[str]) -> dict[str, int]:
    """Rows for names, in their order."""
    return {name: row for row, name in enumerate(dict.fromkeys(names))}
