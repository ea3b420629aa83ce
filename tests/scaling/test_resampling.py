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
    hold_out,
    jackknife,
)

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
    many = bootstrap(found, kind, 15, seed=3)
    from vlmcore.scaling.resampling import _draw

    error, weights = _draw(found, kind, 15, np.random.default_rng(3))
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
    from vlmcore.scaling.resampling import _draw

    error = TRUTH.predict(N, V) + 0.01 * np.random.default_rng(0).normal(size=28)
    found = fit_law(Product, N, V, error, weights=np.where(V > 20, 4.0, 1.0))
    rng = np.random.default_rng(0)
    spread = {
        kind: (_draw(found, kind, 20_000, rng)[0] - found.predicted).std(0)
        for kind in ("residual", "parametric", "wild_cluster")
    }
    sigma = np.sqrt(found.sse / 24)
    assert spread["parametric"] == pytest.approx(
        sigma / np.sqrt(found.points.weights), rel=0.03
    )
    assert spread["residual"] == pytest.approx(spread["parametric"], rel=0.06)
    assert spread["wild_cluster"] == pytest.approx(np.abs(found.residuals), rel=0.03)
    clustered = _draw(found, "wild_cluster", 5, rng)[0] - found.predicted
    same = clustered / found.residuals
    assert all(np.ptp(same[:, size == N], axis=1).max() < 1e-8 for size in np.unique(N))
    times = _draw(found, "pairs", 50, rng)[1] / found.points.weights
    assert np.array_equal(times, times.round()) and (times.sum(1) == 28).all()
    assert times.var() == pytest.approx(27 / 28, rel=0.1)


def test_an_outlier_does_not_move_the_refits_of_a_robust_fit():
    """A tenth of the points is far off to one side; refits stay around the law."""
    error = TRUTH.predict(N, V) * np.exp(
        1e-3 * np.random.default_rng(0).normal(size=28)
    )
    error[::10] *= 1.3
    found = fit_law(Product, N, V, error, loss="huber", fixed={"D": 0.1})
    interval = bootstrap(found, "residual", 60).interval("ratio")
    assert interval.low < 4 < interval.high and interval.high - interval.low < 0.5
    assert found.law.ratio == pytest.approx(4, abs=0.1)


def test_a_seed_gives_the_same_laws_and_another_one_others(visual):
    first, again, other = (
        bootstrap(visual, count=20, seed=seed).replicates for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_leaving_a_size_out(visual):
    left = jackknife(visual)
    assert left.table.index.tolist() == [5e8, 1.8e9, 4e9, 7e9]
    assert (
        round(left.values("ratio").min(), 2),
        round(left.values("ratio").max(), 2),
    ) == (4.49, 4.99)
    n, v, error = (np.asarray(each) for each in published("visual"))
    one = fit_law(Product, n[n != 4e9], v[n != 4e9], error[n != 4e9], allow_bound=True)
    assert left.table.loc[4e9].to_numpy() == pytest.approx(one.law.parameters)
    interval, values = left.interval("ratio"), left.values("ratio")
    assert (interval.high - interval.low) / 2 == pytest.approx(
        3.1824463 * np.sqrt(3 / 4 * ((values - values.mean()) ** 2).sum())
    )


def test_the_7b_points_are_predicted_within_a_per_cent(visual):
    table = hold_out(visual, visual.points.N == 7e9)
    assert f"{table['relative'].abs().max():.2%}" == "0.97%"
    assert (table["N"] == 7e9).all() and len(table) == 7
    assert table["measured"].between(table["low"], table["high"]).all()


def test_the_14b_prediction(visual):
    refits = bootstrap(visual, count=2000)
    table = refits.prediction_interval(14e9, [1, 16, 576])
    assert table["error"].round(3).tolist() == [0.490, 0.470, 0.445]
    law = refits.prediction_interval(14e9, [1, 16, 576], noise=False)
    assert (table["low"] < law["low"]).all() and (law["high"] < table["high"]).all()
    assert (law["low"] < law["error"]).all() and (law["error"] < law["high"]).all()


def test_counts_are_held_out_as_counts():
    trials = np.full(28, 400)
    wrong = np.random.default_rng(0).binomial(trials, TRUTH.predict(N, V))
    found = fit_law(
        Product, N, V, wrong / trials, loss="binomial", trials=trials, allow_bound=True
    )
    table = hold_out(found, N == 7e9)
    width = (table["high"] - table["low"]).to_numpy()
    assert (
        width > 2 * 1.9 * np.sqrt(table["error"] * (1 - table["error"]) / 400)
    ).all() and (width < 0.25).all()


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
        (lambda: hold_out(visual, np.zeros(28, bool)), "mark at least one"),
        (lambda: hold_out(visual, [True]), "one mark a point"),
        (lambda: hold_out(visual, visual.points.N > 5e8), "so alpha is not identified"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
