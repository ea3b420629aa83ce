import numpy as np
import pytest

from tests.scaling.test_fitting import N, V, published
from vlmcore.scaling import Product, fit_law, hold_out, jackknife

TRUTH = Product(AB=0.6, alpha=0.4, beta=0.1, D=0.1)


@pytest.fixture(scope="module")
def visual():
    return fit_law(Product, *published("visual"), allow_bound=True)


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


def test_nonsense_gets_a_sentence(visual):
    two = visual.refit(visual.points.keep(visual.points.N > 2e9))
    for call, words in [
        (lambda: jackknife(two), "over 2 sizes of language model has no spread"),
        (lambda: hold_out(visual, np.zeros(28, bool)), "mark at least one"),
        (lambda: hold_out(visual, [True]), "one mark a point"),
        (lambda: hold_out(visual, visual.points.N > 5e8), "so alpha is not identified"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
