"""What a score is without the image: the rungs of a ladder from chance to a model that sees.

Guesses need no model: chance, one answer to everything, the best answer to each
question's text (`evaluation.short_answers.question_only`). A blind model is trained
without images; a shuffled one was trained with them and is shown others. Rungs are read
from result files, so that several trainings give an interval for other seeds too.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from vlmcore.data.samples import Sample
from vlmcore.experiments.analysis.seeds import over_seeds

BASELINES = ("chance", "one answer", "question only", "blind", "shuffled", "seeing")
"""From the bottom up; scores need not rise in this order."""

KindScores = Mapping[str, Mapping[str, float]]
"""Scores by kind of question, as in a result file."""


def one_answer(train: Sequence[Sample], test: Sequence[Sample]) -> list[str]:
    """The answer that is most often right in training, given to every test question.

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
    """How far each question's text gives its answer away, from the answers to all samples with the same text.

    Returns:
        One row a sample with its `kind` and two shares whose means are scores. `best`:
        of the answer given most often, so that its mean is the score of the best guess
        that knows these samples. `misled`: of the sample's own answer, so that its mean
        is the score of a perfect eye shown another sample's image, sum of p² where the
        best guess has max p. Both are too high where a text has few samples.
    """
    given: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in samples:
        given[sample.question][sample.answer] += 1
    rows = []
    for sample in samples:
        answers = given[sample.question]
        rows.append(
            (
                sample.kind,
                max(answers.values()) / answers.total(),
                answers[sample.answer] / answers.total(),
            )
        )
    return pd.DataFrame(rows, columns=["kind", "best", "misled"])


def opposites(samples: Sequence[Sample]) -> np.ndarray:
    """Pairs of samples with the same question and different answers, as in VQAv2 (arXiv 1612.00837); each sample is in one pair at most.

    Who does not look says the same to both, and is right once. Only the two most
    frequent answers to a question are paired.

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
    return np.array(
        [pair for first, second in two for pair in zip(first, second, strict=False)],
        dtype=int,
    ).reshape(-1, 2)


def baseline(
    name: str, runs: Sequence[KindScores], level: float = 0.95
) -> pd.DataFrame:
    """Mean scores of one or more trainings, by kind.

    Args:
        name: of the rung.
        runs: scores of each training.
        level: of the intervals. They cover other questions and, from three trainings
            on, other seeds: the half-width of Student's t over trainings and the
            binomial one are added in quadrature.

    Returns:
        Columns `baseline`, `kind`, `value`, `low`, `high` and `runs`; an interval of a
        share ends at 0 and 1.

    Raises:
        ValueError: there is no training, or they were not asked the same kinds.
    """
    if not runs or any(set(scores) != set(runs[0]) for scores in runs):
        raise ValueError(
            f"{len(runs)} runs give no mean of {name!r}; give at least one, all "
            "scored by the same kinds of questions"
        )
    rows = []
    for kind in runs[0]:
        values = np.array([scores[kind]["value"] for scores in runs])
        errors = np.array([scores[kind]["standard_error"] for scores in runs])
        half = stats.norm.ppf((1 + level) / 2) * float(np.sqrt((errors**2).mean()))
        mean, _, high, *_ = over_seeds(values, level)
        if high is not None:
            half = math.hypot(half, high - mean)
        rows.append(
            (name, kind, mean, max(mean - half, 0.0), min(mean + half, 1.0), len(runs))
        )
    return pd.DataFrame(
        rows, columns=["baseline", "kind", "value", "low", "high", "runs"]
    )


def ladder(
    question_only: KindScores,
    seeing: Sequence[Mapping[str, Any]] = (),
    blind: Sequence[Mapping[str, Any]] = (),
    favourite: KindScores | None = None,
) -> pd.DataFrame:
    """All rungs there are for a task, from the bottom up.

    Args:
        question_only: scores of the guess from each question's text; their chance is
            the lowest rung.
        seeing: results of one model with several seeds; none where it has not been
            trained.
        blind: results of models trained without images; likewise.
        favourite: scores of one answer to everything.

    Returns:
        As from `baseline`, with missing ends for chance, which is no measurement.
    """
    chance = [
        ("chance", kind, score["chance"], np.nan, np.nan, 0)
        for kind, score in question_only.items()
    ]
    parts = [
        pd.DataFrame(
            chance, columns=["baseline", "kind", "value", "low", "high", "runs"]
        )
    ]
    if favourite is not None:
        parts.append(baseline("one answer", [favourite]))
    parts.append(baseline("question only", [question_only]))
    if blind:
        parts.append(baseline("blind", [result["scores"]["test"] for result in blind]))
    if seeing:
        parts.append(
            baseline("shuffled", [result["scores"]["shuffled"] for result in seeing])
        )
        parts.append(
            baseline("seeing", [result["scores"]["test"] for result in seeing])
        )
    return pd.concat(parts, ignore_index=True)
