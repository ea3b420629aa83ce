"""Baselines of a score, from chance to a model with images.

Guesses need no model: chance, one answer to everything, the best answer to each
question's text (`evaluation.short_answers.question_only`). A blind model is trained
without images. The permuted score is that of a model with images, evaluated with
images permuted across questions. Scores are read from result files, so that several
trainings give an interval for other seeds too.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from vlmcore.data.samples import Sample
from vlmcore.scaling import Interval, over_seeds

BASELINES = ("chance", "one answer", "question only", "blind", "permuted", "with image")
"""From the simplest up; scores need not rise in this order."""

KindScores = Mapping[str, Mapping[str, float]]
"""Scores by kind of question, as in a result file."""


def one_answer(train: Sequence[Sample], test: Sequence[Sample]) -> list[str]:
    """The most frequent correct answer in training, given to every test question.

    Raises:
        ValueError: there is nothing to train on.
    """
    if not train:
        raise ValueError(
            "no sample was given to train on, so no answer is a favourite; give at "
            "least one"
        )
    favourite = Counter(sample.answer for sample in train).most_common(1)[0][0]
    return [favourite] * len(test)


def priors(samples: Sequence[Sample]) -> pd.DataFrame:
    """Shares of the answers to all samples with the same question text.

    Returns:
        One row a sample with its `kind` and two shares whose means are scores. `best`
        is the share of the most frequent answer; its mean, with max p, is the score of
        the best guess that knows these samples. `misled` is the share of the sample's
        own answer; its mean, with sum of p², is the score of perfect perception of
        another sample's image. Both are too high where a text has few samples.
    """
    given: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in samples:
        given[sample.question][sample.answer] += 1
    rows = []
    for sample in samples:
        answers = given[sample.question]
        best, own = max(answers.values()), answers[sample.answer]
        rows.append((sample.kind, best / answers.total(), own / answers.total()))
    return pd.DataFrame(rows, columns=["kind", "best", "misled"])


def opposites(samples: Sequence[Sample]) -> np.ndarray:
    """Pairs of samples with the same question and different answers, as in VQAv2.

    See arXiv 1612.00837. A model that ignores the image answers both alike, and is
    right once. Only the two most frequent answers to a question are paired, and each
    sample is in one pair at most.

    Returns:
        int (pairs, 2), rows of the samples.
    """
    rows: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for i, sample in enumerate(samples):
        rows[sample.question][sample.answer].append(i)
    two = [
        sorted(answers.values(), key=len)[-2:]
        for answers in rows.values()
        if len(answers) > 1
    ]
    pairs = [pair for first, second in two for pair in zip(first, second, strict=False)]
    return np.array(pairs, dtype=int).reshape(-1, 2)


def scores_by_kind(
    name: str, runs: Sequence[KindScores], level: float = 0.95
) -> pd.DataFrame:
    """Mean scores of one or more trainings, by kind of question.

    Args:
        name: of the baseline.
        runs: scores of each training.
        level: of the intervals. They cover other questions and, from three trainings
            on, other seeds: the half-width of Student's t over trainings and the
            binomial one are added in quadrature.

    Returns:
        Columns `baseline`, `kind`, `value`, `low`, `high` and `runs`; an interval of a
        share ends at 0 and 1.

    Raises:
        ValueError: there is no training, or their kinds of questions differ.
    """
    if not runs or any(set(scores) != set(runs[0]) for scores in runs):
        raise ValueError(
            f"{len(runs)} runs give no mean of {name!r}; give at least one, all "
            "scored by the same kinds of questions"
        )
    z, rows = stats.norm.ppf((1 + level) / 2), []
    for kind in runs[0]:
        errors = np.array([scores[kind]["standard_error"] for scores in runs])
        half = z * float(np.sqrt((errors**2).mean()))
        mean, _, high, *_ = over_seeds(
            [scores[kind]["value"] for scores in runs], level
        )
        if high is not None:
            half = math.hypot(half, high - mean)
        found = Interval(mean, mean - half, mean + half).clipped()
        rows.append((name, kind, mean, found.low, found.high, len(runs)))
    return _table(rows)


def all_baselines(
    question_only: KindScores,
    seeing: Sequence[Mapping[str, Any]] = (),
    blind: Sequence[Mapping[str, Any]] = (),
    favourite: KindScores | None = None,
) -> pd.DataFrame:
    """All available baselines of a task, the simplest first, and the model with images.

    Args:
        question_only: scores of the guess from each question's text; they hold chance
            too.
        seeing: results of one model with several seeds; none where it has not been
            trained.
        blind: results of models trained without images; likewise.
        favourite: scores of one answer to everything.

    Returns:
        As from `scores_by_kind`, with missing ends for chance, which is no measurement.
    """
    chance = [
        ("chance", kind, score["chance"], np.nan, np.nan, 0)
        for kind, score in question_only.items()
    ]
    runs = {
        "one answer": [favourite] if favourite is not None else [],
        "question only": [question_only],
        "blind": [result["scores"]["test"] for result in blind],
        "permuted": [result["scores"]["shuffled"] for result in seeing],
        "with image": [result["scores"]["test"] for result in seeing],
    }
    found = [scores_by_kind(name, each) for name, each in runs.items() if each]
    return pd.concat([_table(chance), *found], ignore_index=True)


def _table(rows: list[tuple]) -> pd.DataFrame:
    columns = ["baseline", "kind", "value", "low", "high", "runs"]
    return pd.DataFrame(rows, columns=columns)
