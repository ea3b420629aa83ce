import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import huber
from scipy.stats import binom

from tests.scaling.test_fitting import ERROR, LAW, TOKENS, N, V, published, random_laws
from vlmcore.scaling import Additive, Interaction, LogLinear, Product, fit_law


@pytest.mark.parametrize("loss", ["huber", "binomial"])
def test_planted_laws_are_recovered_by_other_losses(loss):
    for law in random_laws(Product, 10, seed=1):
        trials = None if loss == "huber" else np.full(28, 10**7)
        error = (
            law.predict(N, V)
            if loss == "huber"
            else np.round(law.predict(N, V) * 1e7) / 1e7
        )
        found = fit_law(Product, N, V, error, loss=loss, trials=trials)
        assert found.law.predict(N, V) == pytest.approx(error, abs=1e-6)


@pytest.mark.parametrize("task", ["visual", "ocr"])
@pytest.mark.parametrize("form", [Product, Additive, LogLinear, Interaction])
def test_no_start_of_lbfgs_finds_a_lower_huber_loss(form, task):
    points = published(task)
    found = fit_law(form, *points, loss="huber", allow_bound=True)
    bounds = [form.BOUNDS[name] for name in form.names()]

    def lacking(p):
        predicted = form.errors(p[None], *points[:2])[0]
        return 1e4 * huber(1e-3, np.log(points[2] / np.maximum(predicted, 1e-9))).sum()

    assert found.objective == pytest.approx(lacking(found.law.parameters) / 1e4)
    rng = np.random.default_rng(0)
    for _ in range(5):
        start = np.clip(
            found.law.parameters * np.exp(0.3 * rng.normal(size=len(bounds))) + 0.01,
            *np.array(bounds).T,
        )
        other = minimize(
            lacking,
            start,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxfun": 50_000, "maxiter": 5_000, "ftol": 1e-14},
        )
        assert 1e4 * found.objective <= other.fun * (1 + 1e-6)


def test_one_number_of_questions_does_for_all_points():
    error = np.round(ERROR * 500) / 500
    each, all_at_once = (
        fit_law(Product, N, V, error, loss="binomial", trials=trials).law
        for trials in (np.full(28, 500), 500)
    )
    assert each == all_at_once


def test_the_binomial_fit_maximises_the_likelihood():
    trials = np.tile(np.where(TOKENS > 20, 200, 50), 4)
    wrong = np.random.default_rng(0).binomial(trials, ERROR)
    found = fit_law(Product, N, V, wrong / trials, loss="binomial", trials=trials)

    def lacking(p):
        return -binom.logpmf(wrong, trials, Product(*p).predict(N, V)).sum()

    other = minimize(
        lacking,
        found.law.parameters,
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-12, "maxfev": 4000},
    )
    assert lacking(found.law.parameters) <= other.fun + 1e-7
    assert found.criteria().aic == pytest.approx(
        2 * 4 + 2 * lacking(found.law.parameters)
    )


def test_huber_is_not_moved_by_an_outlier():
    error = LAW.predict(N, V) * np.exp(1e-4 * np.random.default_rng(0).normal(size=28))
    error[5] *= 1.5
    by = {
        loss: fit_law(Product, N, V, error, loss=loss, allow_bound=True).law
        for loss in ("squared", "huber")
    }
    assert by["huber"].parameters == pytest.approx(LAW.parameters, rel=0.05)
    assert abs(by["squared"].alpha - 0.4) > 10 * abs(by["huber"].alpha - 0.4)


def test_the_lower_edge_lies_below_most_points():
    """One point in eleven lies below it: the share that a tilt of ten makes even."""
    n, v = np.repeat(N, 20), np.repeat(V, 20)
    error = LAW.predict(n, v) + 0.02 * np.random.default_rng(0).exponential(size=n.size)
    found = fit_law(Product, n, v, error, loss="floor")
    assert np.mean(found.residuals < 0) == pytest.approx(1 / 11, abs=0.01)
    with pytest.raises(ValueError, match="'floor' is no likelihood"):
        found.criteria()
