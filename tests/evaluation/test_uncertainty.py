import numpy as np
import pytest
from scipy import stats

from vlmcore.evaluation.metrics import POPE
from vlmcore.evaluation.uncertainty import (
    coin_f1,
    explained,
    paired_bootstrap,
    questions_needed,
    unpaired,
)


def pairs(n=400, seed=0):
    rng = np.random.default_rng(seed)
    first = rng.random(n) < 0.6
    return first, np.where(rng.random(n) < 0.7, first, rng.random(n) < 0.5)


def test_the_bootstrap_agrees_with_the_formula_for_pairs():
    first, second = pairs()
    found = paired_bootstrap(first, second)
    gap = first.astype(float) - second
    assert (found.value, found.count) == (pytest.approx(gap.mean()), 400)
    assert (found.high - found.low) / 2 == pytest.approx(
        1.96 * gap.std() / 20, rel=0.06
    )
    apart = unpaired(first.mean(), second.mean(), 400)
    assert found.high - found.low < apart.high - apart.low, "answers are correlated"


def test_grouped_questions_are_drawn_together():
    """Four copies of every question hold no more information than one."""
    first, second = (np.repeat(values, 4) for values in pairs(100))
    one = paired_bootstrap(*pairs(100), seed=1)
    grouped = paired_bootstrap(
        first, second, groups=np.repeat(np.arange(100), 4), seed=1
    )
    assert grouped[:3] == pytest.approx(one[:3])
    apart = paired_bootstrap(first, second, seed=1)
    assert (grouped.high - grouped.low) / (apart.high - apart.low) == pytest.approx(
        2, rel=0.1
    )


def test_unpaired_intervals_contain_the_true_difference():
    rng, held = np.random.default_rng(2), 0
    for _ in range(2000):
        found = unpaired(
            rng.binomial(500, 0.6) / 500, rng.binomial(500, 0.55) / 500, 500
        )
        held += found.low <= 0.05 <= found.high
    assert stats.binomtest(held, 2000, 0.95).pvalue > 0.001


@pytest.mark.parametrize("first, second", [(0.62, 0.6), (0.9, 0.85), (0.3, 0.5)])
def test_from_the_questions_needed_on_the_interval_excludes_zero(first, second):
    n = questions_needed(first, second)
    for count, excludes_zero in ((int(n) - 1, False), (int(n) + 2, True)):
        found = unpaired(first, second, count)
        assert (found.low > 0 or found.high < 0) is excludes_zero


def test_paired_models_need_fewer_questions_the_less_they_differ():
    needed = [questions_needed(0.605, 0.595, differ) for differ in (0.3, 0.1, 0.01)] + [
        questions_needed(0.605, 0.595)
    ]
    assert needed[0] > needed[1] > needed[2] and needed[3] > needed[0]
    assert needed[2] == pytest.approx(stats.norm.ppf(0.975) ** 2 * (1 / 0.01 - 1))


@pytest.mark.parametrize("yes", [0.2, 0.5, 1.0])
def test_the_expected_f1_of_a_coin_is_that_of_pope(yes):
    """A coin in expectation, for 100 objects of which half are present."""
    said = (["yes"] * round(50 * yes) + ["no"] * round(50 * (1 - yes))) * 2
    metric = POPE()
    metric.update(said, ["yes"] * 50 + ["no"] * 50)
    assert metric.scores()["all"].f1.value == pytest.approx(coin_f1(yes))


@pytest.mark.parametrize(
    ("function", "arguments", "words"),
    [
        (
            paired_bootstrap,
            ([1, 0], [1, 0, 1]),
            r"shapes \(2,\) and \(3,\) are no pairs",
        ),
        (
            paired_bootstrap,
            ([1, 0], [1, 1], [0]),
            "1 groups do not go with 2 questions",
        ),
        (unpaired, (53.5, 0.5, 10), r"53\.5 is no share; divide"),
        (unpaired, (0.5, 0.5, 0), "0 questions have no score"),
        (questions_needed, (0.5, 0.5), "need a difference, and at least it"),
        (questions_needed, (0.6, 0.5, 0.01), r"cannot come from 0\.01"),
    ],
)
def test_bad_input_gets_a_sentence(function, arguments, words):
    with pytest.raises(ValueError, match=words):
        function(*arguments)


@pytest.mark.parametrize("copies", [1, 3])
def test_the_explained_share_agrees_with_a_bootstrap(copies):
    seeing, blind = (np.repeat(values, copies) for values in pairs(500, seed=3))
    groups = np.repeat(np.arange(500), copies)
    found = explained(seeing, blind, ceiling=0.95, groups=groups)
    rng, shares = np.random.default_rng(0), []
    for _ in range(2000):
        s, b = (
            values[::copies][rows].mean()
            for rows in [rng.integers(500, size=500)]
            for values in (seeing, blind)
        )
        shares.append((s - b) / (0.95 - b))
    assert found.value == pytest.approx(
        (seeing.mean() - blind.mean()) / (0.95 - blind.mean())
    )
    assert (found.high - found.low) / 2 == pytest.approx(
        1.96 * np.std(shares), rel=0.06
    )


def test_the_explained_share_at_its_ends():
    blind = np.array([1, 0, 0, 0.0])
    assert explained(np.ones(4), blind)[:3] == (1.0, 1.0, 1.0)
    assert explained(blind, blind)[:3] == (0.0, 0.0, 0.0)
    assert explained(np.zeros(4), blind).value == pytest.approx(-1 / 3)
    with pytest.raises(
        ValueError, match=r"baseline of 1\.000 leaves nothing below a ceiling of 1 "
    ):
        explained(blind, np.ones(4))
    with pytest.raises(ValueError, match="1 groups do not go with 2 questions"):
        explained([1, 0], [0, 0], groups=["a"])
