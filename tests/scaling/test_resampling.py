import json

import numpy as np
import pytest

from tests.scaling.test_fitting import N, V, published
from vlmcore.scaling import (
    Additive,
    LogLinear,
    Product,
    bootstrap,
    fit_law,
)
from vlmcore.scaling.draws import draw

TRUTH = Product(AB=0.6, alpha=0.4, beta=0.1, D=0.1)


@pytest.fixture(scope="module")
def visual():
    return fit_law(Product, *published("visual"), allow_bound=True)


@pytest.mark.parametrize("kind", ["residual", "pairs", "wild_cluster", "parametric"])
@pytest.mark.parametrize("form", [Product, Additive, LogLinear])
def test_refits_side_by_side_are_those_one_by_one(form, kind):
    """Every refit is what `fit` finds from all its starts."""
    points = published("visual")
    found = fit_law(form, *points, allow_bound=True)
    many = bootstrap(found, kind, 15, seed=3, allow_few_sizes=True)
    error, weights = draw(found, kind, 15, np.random.default_rng(3))
    for i in range(15):
        kept = weights[i] > 0
        one = fit_law(
            form,
            points[0][kept],
            points[1][kept],
            error[i][kept],
            weights=weights[i][kept],
            allow_bound=True,
        )
        assert many.replicates[i] == pytest.approx(
            one.law.parameters, rel=1e-4, abs=1e-6
        )


def test_the_bootstraps_of_the_published_fit(visual):
    for kind, low, high in [("residual", 4.3, 5.1), ("pairs", 4.3, 5.1)]:
        interval = bootstrap(visual, kind, 4000).interval("ratio")
        assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.15)
    ocr = bootstrap(
        fit_law(Product, *published("ocr"), allow_bound=True), "pairs", 4000
    ).interval("ratio")
    assert (ocr.low, ocr.high) == pytest.approx((0.51, 0.86), abs=0.05)


def test_draws_have_the_promised_distribution():
    error = TRUTH.predict(N, V) + 0.01 * np.random.default_rng(0).normal(size=28)
    found = fit_law(Product, N, V, error, weights=np.where(V > 20, 4.0, 1.0))
    rng = np.random.default_rng(0)
    spread = {
        kind: (draw(found, kind, 20_000, rng)[0] - found.predicted).std(0)
        for kind in ("residual", "parametric", "wild_cluster")
    }
    sigma = np.sqrt(found.sse / 24)
    assert spread["parametric"] == pytest.approx(
        sigma / np.sqrt(found.points.weights), rel=0.03
    )
    assert spread["residual"] == pytest.approx(spread["parametric"], rel=0.06)
    assert spread["wild_cluster"] == pytest.approx(np.abs(found.residuals), rel=0.03)
    clustered = draw(found, "wild_cluster", 5, rng)[0] - found.predicted
    same = clustered / found.residuals
    assert all(np.ptp(same[:, size == N], axis=1).max() < 1e-8 for size in np.unique(N))
    times = draw(found, "pairs", 50, rng)[1] / found.points.weights
    assert np.array_equal(times, times.round()) and (times.sum(1) == 28).all()
    assert times.var() == pytest.approx(27 / 28, rel=0.1)


def test_an_outlier_does_not_move_the_refits_of_a_robust_fit():
    """A tenth of the points is far off to one side; refits stay around the law."""
    error = TRUTH.predict(N, V) * np.exp(
        1e-3 * np.random.default_rng(0).normal(size=28)
    )
    error[::10] *= 1.3
    found = fit_law(Product, N, V, error, loss="huber", fixed={"D": 0.1}, shares=False)
    interval = bootstrap(found, "residual", 60).interval("ratio")
    assert interval.low < 4 < interval.high and interval.high - interval.low < 0.5
    assert found.law.ratio == pytest.approx(4, abs=0.1)


def test_a_seed_gives_the_same_laws_and_another_one_others(visual):
    first, again, other = (
        bootstrap(visual, count=20, seed=seed).replicates for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_the_14b_prediction(visual):
    refits = bootstrap(visual, count=2000)
    table = refits.prediction_interval(14e9, [1, 16, 576])
    assert table["error"].round(3).tolist() == [0.490, 0.470, 0.445]
    law = refits.prediction_interval(14e9, [1, 16, 576], noise=False)
    assert (table["low"] < law["low"]).all() and (law["high"] < table["high"]).all()
    assert (law["low"] < law["error"]).all() and (law["error"] < law["high"]).all()


def test_a_page_can_hold_the_laws(visual):
    refits = bootstrap(visual, count=3)
    plain = json.loads(json.dumps(refits.to_json(), allow_nan=False))
    assert plain["form"] == "Product" and plain["names"] == ["AB", "alpha", "beta", "D"]
    assert plain["law"] == visual.law.parameters.tolist() and np.array_equal(
        plain["replicates"], refits.replicates
    )
    AB, alpha, beta, D = plain["replicates"][0]
    assert refits.predict(7e9, 36)[0, 0] == pytest.approx(
        AB * (7e9 / plain["unit"]) ** -alpha * 36**-beta + D
    )


def test_nonsense_gets_a_sentence(visual):
    trials = np.full(28, 1000)
    counted = fit_law(
        Product,
        N,
        V,
        np.round(TRUTH.predict(N, V) * 1000) / 1000,
        loss="binomial",
        trials=trials,
    )
    for call, words in [
        (lambda: bootstrap(visual, count=0), "0 refits give no distribution"),
        (lambda: bootstrap(visual, count=5).predict(-7e9, 1), "positive N and V only"),
        (lambda: bootstrap(visual, "jackknife"), "no 'jackknife' bootstrap"),
        (
            lambda: bootstrap(counted, "residual"),
            "no 'residual' bootstrap for the loss 'binomial'",
        ),
        (
            lambda: bootstrap(counted, "pairs", 5).prediction_interval(7e9, 1),
            "needs `trials`",
        ),
        (lambda: bootstrap(visual, count=5).predict(7, 1), "seems to be in billions"),
        (
            lambda: bootstrap(visual, "wild_cluster"),
            "4 sizes of language model are too few clusters",
        ),
    ]:
        with pytest.raises(ValueError, match=words):
            call()


@pytest.mark.parametrize("form", [Product, LogLinear])
def test_refits_that_a_fit_would_refuse_are_refused_and_counted(form):
    """Eight points: some draws have too few different ones, or one N alone."""
    chosen = [0, 3, 6, 7, 10, 21, 24, 27]
    error = TRUTH.predict(N, V)[chosen]
    error = error + 0.004 * np.random.default_rng(0).normal(size=8)
    found = fit_law(form, N[chosen], V[chosen], error, allow_bound=True)
    refits = bootstrap(found, "pairs", 200)
    refused = 0
    for times in draw(found, "pairs", 200, np.random.default_rng(0))[1]:
        kept = times > 0
        points = (each[kept] for each in (N[chosen], V[chosen], error))
        try:
            fit_law(form, *points, weights=times[kept], allow_bound=True)
        except ValueError:
            refused += 1
    assert refused > 0 and refits.share_refused == refused / 200
    assert len(refits.replicates) == 200 - refused
    assert f"{refused / 200:.1%} of the draws refused" in refits.interval("beta").method


def test_a_bootstrap_that_loses_half_of_its_draws_is_none():
    found = fit_law(LogLinear, N[::9], V[::9], TRUTH.predict(N, V)[::9])
    with pytest.raises(
        ValueError, match="draws of the pairs bootstrap do not identify"
    ):
        bootstrap(found, "pairs", 200)
