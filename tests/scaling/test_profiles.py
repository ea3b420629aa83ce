import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq, minimize

from tests.scaling.test_fitting import N, V, published
from vlmcore.scaling import (
    Contrast,
    LogLinear,
    Product,
    bootstrap,
    fieller,
    fit_law,
    profile,
    profile_path,
    wald,
)

TRUTH = Product(AB=0.6, alpha=0.4, beta=0.1, D=0.1)


def noisy(seed=0, sigma=0.004, form=Product):
    return fit_law(
        form,
        N,
        V,
        TRUTH.predict(N, V) + sigma * np.random.default_rng(seed).normal(size=28),
        allow_bound=True,
    )


@pytest.fixture(scope="module")
def visual():
    return fit_law(Product, *published("visual"), allow_bound=True)


def test_the_profile_of_the_published_fit(visual):
    """The lower end of alpha lies where D is still 0, the upper one at D = .14."""
    alpha, ratio = profile(visual, "alpha"), profile(visual, "ratio")
    assert (round(alpha.low, 3), round(alpha.high, 3)) == (0.068, 0.096)
    assert round(profile(visual, "D").high, 2) == 0.14 and profile(visual, "D").low == 0
    assert 4.2 < ratio.low < 4.3 and 5.2 < ratio.high < 5.3
    # to curvature alone, D is known to be 0
    assert wald(visual, "alpha").high < 0.074


def test_along_the_valley_alpha_moves_and_the_ratio_does_not(visual):
    path = profile_path(visual, "D", [0, 0.07, 0.14])
    assert path["alpha"].to_numpy() == pytest.approx([0.071, 0.081, 0.096], abs=5e-4)
    assert np.ptp(path["alpha"] / path["beta"]) < 0.01
    assert profile_path(visual, "D", [0.3, 0.4])[
        "objective"
    ].to_numpy() / visual.sse == pytest.approx([1.8, 3.6], abs=0.05)


MEANING = {
    "AB": lambda p: p[0],
    "alpha": lambda p: p[1],
    "beta": lambda p: p[2],
    "D": lambda p: p[3],
    "ratio": lambda p: p[1] / p[2],
    Contrast(1): lambda p: p[1] - p[2],
    Contrast(3.5): lambda p: p[1] - 3.5 * p[2],
}


@pytest.mark.parametrize("quantity", MEANING, ids=str)
def test_profile_against_a_general_optimiser(quantity):
    """Both ends by constrained sequential quadratic programming and a root finder."""
    found = noisy()
    of, left = MEANING[quantity], 28 - 4
    allowed = found.sse * (1 + stats.t.ppf(0.975, left) ** 2 / left)

    def too_much(value):
        def lacking(p):
            return (
                (p[0] * (N / 1e9) ** -p[1] * V ** -p[2] + p[3] - found.points.error)
                ** 2
            ).sum() / allowed

        held = {"type": "eq", "fun": lambda p: of(p) - value}
        options = {"ftol": 1e-12, "maxiter": 500}
        return (
            minimize(
                lacking,
                found.law.parameters,
                method="SLSQP",
                constraints=held,
                options=options,
            ).fun
            - 1
        )

    centre, low, high, *_ = profile(found, quantity)
    assert centre == of(found.law.parameters)
    for end in (low, high):
        other = brentq(too_much, centre, centre + 1.5 * (end - centre), xtol=1e-7)
        assert end - centre == pytest.approx(other - centre, rel=1e-3)


def test_an_extreme_contrast_still_has_its_interval(visual):
    """Alpha hardly matters to alpha - 1000 beta."""
    beta, contrast = profile(visual, "beta"), profile(visual, Contrast(1000))
    assert (contrast.low, contrast.high) == pytest.approx(
        (-1000 * beta.high, -1000 * beta.low), rel=0.01
    )


def test_in_a_straight_valley_all_intervals_agree():
    """With little noise the law is as good as linear."""
    found = noisy(sigma=1e-5)
    for quantity in ("alpha", "beta", "D", Contrast(2)):
        by_profile, by_curvature = profile(found, quantity), wald(found, quantity)
        assert by_profile[1:3] == pytest.approx(by_curvature[1:3], rel=1e-3)
    assert profile(found, "ratio")[1:3] == pytest.approx(fieller(found)[1:3], rel=1e-4)
    assert bootstrap(found, "parametric", 20_000).interval("alpha")[
        1:3
    ] == pytest.approx(wald(found, "alpha")[1:3], rel=1e-4)


def test_a_straight_line_is_ordinary_least_squares():
    n, v, error = (np.asarray(each, float) for each in published("visual"))
    found = fit_law(LogLinear, n, v, error)
    design = np.stack([np.ones(28), -np.log(n / 1e9), -np.log(v)], 1)
    theta, (sse,), *_ = np.linalg.lstsq(design, error)
    half = stats.t.ppf(0.975, 25) * np.sqrt(
        np.linalg.inv(design.T @ design)[1, 1] * sse / 25
    )
    assert profile(found, "alpha")[:3] == pytest.approx(
        (theta[1], theta[1] - half, theta[1] + half)
    )
    assert (
        round(np.diff(wald(found, "ratio")[1:3])[0] / 2 / stats.t.ppf(0.975, 25), 2)
        == 0.20
    )
    # by definition: at either end of Fieller's interval alpha - r beta is just
    # significant
    for r in fieller(found)[1:3]:
        assert min(abs(end) for end in wald(found, Contrast(r))[1:3]) < 1e-12


def test_an_end_that_the_points_do_not_bound_is_none():
    flat = Product(AB=0.5, alpha=0.3, beta=0.0005, D=0.1)
    error = flat.predict(N, V) + 0.01 * np.random.default_rng(1).normal(size=28)
    for form in (Product, LogLinear):
        found = fit_law(form, N, V, error, allow_bound=True)
        assert fieller(found)[1:3] == (None, None)
    assert (
        None in profile(fit_law(Product, N, V, error, allow_bound=True), "ratio")[1:3]
    )


def test_the_profile_of_a_ratio_keeps_every_branch():
    """Planted: 1,000. Where beta may be 0, ratios beyond infinity are allowed too."""
    truth = Product(AB=0.6, alpha=0.4, beta=0.0004, D=0.1)
    noise = 0.004 * np.random.default_rng(0).normal(size=(60, 28))
    fits = [fit_law(Product, N, V, truth.predict(N, V) + each) for each in noise]
    covered = {
        method: sum(
            (each.low is None or each.low <= 1000)
            and (each.high is None or each.high >= 1000)
            for each in map(method, fits)
        )
        for method in (lambda fit: profile(fit, "ratio"), fieller)
    }
    by_profile, by_fieller = covered.values()
    assert by_profile >= 55 and abs(by_profile - by_fieller) <= 1


def test_bounds_hold_for_both_exponents_of_a_ratio():
    """With beta at least 0 there is one branch: no ratio below 0."""
    truth = Product(AB=0.6, alpha=0.4, beta=0.0004, D=0.1)
    error = truth.predict(N, V) + 0.008 * np.random.default_rng(1).normal(size=28)
    bounds = {"beta": (0.0, 1.0), "alpha": (0.3, 0.5)}
    found = fit_law(Product, N, V, error, bounds=bounds, allow_bound=True)
    low, high = profile(found, "ratio")[1:3]
    assert low > 0 and high is None
    path = profile_path(found, "ratio", [-5.0, 0.2, 40.0, 1e6])
    assert (
        np.isinf(path["objective"][:2]).all()
        and path["alpha"][2:].between(0.3, 0.5).all()
    )


def test_counts_give_the_usual_standard_error():
    trials = np.full(28, 10**5)
    wrong = np.random.default_rng(0).binomial(trials, TRUTH.predict(N, V))
    counted = fit_law(Product, N, V, wrong / trials, loss="binomial", trials=trials)
    spread = np.std(bootstrap(counted, "parametric", 3000).values("ratio"))
    assert np.diff(wald(counted, "ratio")[1:3])[0] / 2 / stats.norm.ppf(
        0.975
    ) == pytest.approx(spread, rel=0.05)
    assert profile(counted, "ratio")[1:3] == pytest.approx(
        wald(counted, "ratio")[1:3], rel=0.02
    )


def test_nonsense_gets_a_sentence(visual):
    held = fit_law(Product, *published("visual"), fixed={"D": 0, "beta": 0.015})
    line = fit_law(LogLinear, *published("visual"))
    robust = fit_law(Product, *published("visual"), loss="huber", allow_bound=True)
    for call, words in [
        (lambda: wald(visual, "gamma"), "has no 'gamma'"),
        (lambda: wald(visual, "D"), "D did not move"),
        (lambda: profile(held, "D"), "D was held"),
        (lambda: profile(held, "ratio"), "beta was held"),
        (lambda: profile(visual, "alpha", 95), "level of 95 is no share"),
        (lambda: profile_path(line, "alpha", [0]), "no exponents"),
        (lambda: profile_path(visual, "alpha", [0.1, np.nan]), "not finite"),
        (lambda: profile(robust, "alpha"), "no likelihood"),
        (lambda: wald(robust, "alpha"), "no covariance"),
        (lambda: robust.criteria(), "no AIC"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
