"""Hidden tests of A3: 20 points. They are left out of the release.

The first test of each question is its public check; the others use points that no
student has seen.
"""

import itertools

import numpy as np
import pandas as pd
import pytest

from vlmcore import paper
from vlmcore.course.checks import check
from vlmcore.scaling import Product, fit_law
from vlmcore.scaling import frontier as undominated

NAMES = {
    "q1": "frontier",
    "q2": "fit_product",
    "q3": "optimal_tokens",
    "q4": "profile",
    "q5": "ratio_interval",
    "q6": "doubtful_ratios",
}
SIZES = np.array([0.3, 1.1, 3.0, 8.0, 14.0])  # billions
TOKENS = np.array([1.0, 2, 9, 36, 100, 400])
N, V = (grid.ravel() for grid in np.meshgrid(SIZES, TOKENS))


def law(*values):
    """Errors of a planted product law at N and V."""
    return Product(*values).predict(1e9 * N, V)


def noisy(seed=1):
    """Points of a law with some noise."""
    noise = np.random.default_rng(seed).normal(0, 0.004, len(N))
    return law(0.7, 0.12, 0.04, 0.0) + noise


def published(submission, question):
    """Asserts that the public check is content."""
    feedback = check(f"a3.{question}", submission.function(NAMES[question]))
    assert feedback.right, feedback.message


def test_q1_public(submission):
    published(submission, "q1")


def test_q1_many_points(submission):
    rng = np.random.default_rng(0)
    n, v, error = rng.uniform(1, 9, 60), rng.integers(1, 500, 60), rng.uniform(0, 1, 60)
    found = submission.function("frontier")(n, v, error, 30)
    right = undominated(2 * n * (30 + v), error)
    assert np.array_equal(found, right), "on 60 random models the frontier is another."


def test_q2_public(submission):
    published(submission, "q2")


@pytest.mark.points(2)
def test_q2_planted(submission):
    for values in [(0.5, 0.2, 0.1, 0.15), (0.8, 0.6, 0.3, 0.05), (0.4, 0.1, 0.3, 0.2)]:
        found = submission.function("fit_product")(N, V, law(*values))
        assert np.allclose(found, values, rtol=0.02, atol=2e-3), (
            "a law planted without noise at other sizes and tokens was not found again."
        )


def test_q2_noisy(submission):
    error = noisy()
    found = submission.function("fit_product")(N, V, error)
    ours = np.sum((law(*found) - error) ** 2)
    best = fit_law(Product, 1e9 * N, V, error, allow_bound=True).sse
    assert ours <= 1.002 * best, "on noisy points a lower sum of squares can be had."


def test_q3_public(submission):
    published(submission, "q3")


@pytest.mark.points(2)
def test_q3_everywhere(submission):
    cases = itertools.product([0.02, 0.1, 0.4], [0.02, 0.05, 0.3], [0, 7, 200], [64])
    for alpha, beta, q, largest in cases:
        right = Product(1, alpha, beta, 0).optimal_tokens(q, max_visual_tokens=largest)
        found = submission.function("optimal_tokens")(alpha, beta, q, largest)
        assert found == pytest.approx(right), (
            f"at alpha = {alpha}, beta = {beta}, Q = {q} and at most {largest} tokens "
            f"V* is {right:.4g}."
        )


def test_q4_public(submission):
    published(submission, "q4")


@pytest.mark.points(3)
def test_q4_noisy(submission):
    error, floors = noisy(), [-1.0, -0.1, 0.0, 0.1]
    rows = np.asarray(submission.function("profile")(N, V, error, floors))
    for row, floor in zip(rows, floors, strict=True):
        best = fit_law(Product, 1e9 * N, V, error, fixed={"D": floor})
        right = [best.law.alpha, best.law.beta, best.sse]
        assert np.allclose(row, right, rtol=0.01), (
            f"on noisy points the profile at D = {floor:g} is another."
        )


def test_q5_public(submission):
    published(submission, "q5")


@pytest.mark.points(3)
def test_q5_covers(submission):
    """Ten samples of one law, whose ratio is 3."""
    intervals = [
        submission.function("ratio_interval")(N, V, noisy(seed), 0.95)
        for seed in range(10)
    ]
    low, high = np.array(intervals).T
    covered = np.sum((low < 3) & (high > 3))
    assert covered >= 8, (
        f"of ten intervals at 95 % from planted laws only {covered} contain the truth."
    )
    assert np.mean(high - low) < 0.6, "your intervals are far wider than they need be."


def test_q6_public(submission):
    published(submission, "q6")


@pytest.mark.points(2)
def test_q6_planted(submission):
    """Two points of a clean law are spoilt; a third is only listed for another task."""
    scores = paper.scores("visual")[["params", "visual_tokens"]].assign(score=np.nan)
    truth = Product(0.7, 0.12, 0.06, 0.0)
    error = truth.predict(scores["params"], scores["visual_tokens"])
    error[[9, 20]] *= [0.97, 1.04]
    error[2] *= 1.05
    scores = scores.assign(error=error)
    rows = scores.iloc[[9, 20, 2]]
    doubtful = pd.DataFrame(
        {
            "set": ["visual", "visual", "ocr"],
            "params_billion": rows["params"].to_numpy() / 1e9,
            "visual_tokens": rows["visual_tokens"].to_numpy(),
        }
    )
    found = submission.function("doubtful_ratios")(scores, doubtful, "visual")
    ratios = []
    for drop in [[], [9], [20], [9, 20]]:
        kept = scores.drop(drop)
        points = kept[["params", "visual_tokens", "error"]].to_numpy().T
        best = fit_law(Product, *points, allow_bound=True)
        ratios.append(best.law.ratio)
    assert np.allclose(found, [min(ratios), max(ratios)], rtol=5e-3), (
        "on a planted law with two spoilt points the range is another."
    )
