"""The ledger's numbers, compared with recorded ones and with what the book says."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from vlmcore import paper
from vlmcore.cost import paper_flops

pytestmark = pytest.mark.results

RECORDED = pd.read_csv(
    Path(__file__).with_name("ledger.csv"),
    index_col="name",
    float_precision="round_trip",
)
"""Every number, with its name before the tasks and experiments were renamed."""


def test_every_recorded_number_is_recomputed(numbers):
    assert set(numbers) == set(RECORDED.index)
    found = pd.DataFrame(
        {name: number._asdict() for name, number in numbers.items()}
    ).T.loc[RECORDED.index]
    for column in ("value", "low", "high", "level", "count"):
        recomputed = found[column].astype(float).to_numpy()
        recorded = RECORDED[column].to_numpy(float)
        np.testing.assert_allclose(recomputed, recorded, 1e-9, 1e-12, err_msg=column)


def test_intervals_contain_their_values(numbers):
    for name, found in numbers.items():
        assert found.low is None or found.low <= found.value <= found.high, name


def test_an_accuracy_follows_from_its_files(numbers, results):
    runs = [json.loads(path.read_text()) for path in (results / "easyvqa").glob("*")]
    right = np.array(
        [
            [mark == "1" for mark in run["right"]]
            for run in runs
            if run["name"].startswith("quecc.v1.")
        ],
        float,
    )
    found, n = numbers["easyvqa.quecc.v1.accuracy"], len(right)
    assert n >= 3 and found.count == right.size == 9673 * n
    assert found.value == pytest.approx(right.mean())
    # the half-widths over seeds and over questions, in quadrature
    half = np.hypot(
        *(
            stats.t.ppf(0.975, len(means) - 1) * stats.sem(means)
            for means in (right.mean(1), right.mean(0))
        )
    )
    low, high = max(found.value - half, 0), min(found.value + half, 1)
    assert found[1:3] == pytest.approx((low, high))


def test_what_the_book_says_about_easy_vqa(numbers):
    guess = numbers["easyvqa.question_only.accuracy"].value
    assert numbers["easyvqa.quecc.v1.accuracy"].value >= 0.97
    assert abs(numbers["easyvqa.blind.accuracy"].value - guess) < 0.01
    assert numbers["easyvqa.quecc.v1.shuffled.accuracy"].value < guess
    assert numbers["encoder.clip-mini.probe.cls.accuracy"].value > 0.98


def test_what_the_book_says_about_a_pretrained_language_model(numbers):
    one, blind = (
        numbers[f"real.smollm2.{model}.accuracy"] for model in ("quecc.v1", "blind")
    )
    assert one.value >= 0.95 and one.count == 3 * 9673
    guess = numbers["easyvqa.question_only.accuracy"].value
    assert abs(blind.value - guess) < 0.01
    known, unknown = (
        numbers[f"real.{model}.quecc.v1.word_facts.accuracy"]
        for model in ("smollm2", "miniature")
    )
    assert known.low > 0.4 and unknown.high < 0.1
    assert known.count == unknown.count == 1498


@pytest.mark.parametrize(("q", "expected"), [(0, {1}), (50, {1, 4, 16, 36, 64})])
def test_the_published_finding_without_a_law(numbers, q, expected):
    """By brute force: at Q = 0 only one token, below the largest model."""
    table = paper.scores("visual")
    cost = paper_flops(table["params"], q, table["visual_tokens"]).to_numpy()
    error = table["error"].to_numpy()
    beaten = (cost[:, None] >= cost) & (error[:, None] > error)
    small = table[~beaten.any(1) & (table["params"] < 7e9)]
    assert set(small["visual_tokens"]) == expected
    name = f"published.visual.q{q}.frontier_tokens_below_largest_model"
    assert numbers[name].value == max(expected)
