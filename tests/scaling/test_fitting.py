import numpy as np
import pytest
from scipy.optimize import least_squares

from vlmcore import paper
from vlmcore.scaling import Additive, Interaction, LogLinear, Product, fit_law

SIZES, TOKENS = np.array([0.5, 1.8, 4, 7]) * 1e9, np.array([1, 4, 16, 36, 64, 144, 576])
N, V = (grid.ravel() for grid in np.meshgrid(SIZES, TOKENS, indexing="ij"))

LAW = Product(AB=0.5, alpha=0.4, beta=0.1, D=0.1)
ERROR = LAW.predict(N, V)


def published(task):
    table = paper.scores(task)
    return table["params"], table["visual_tokens"], table["error"]


def random_laws(form, count, seed=0):
    """Laws with log-uniform parameters and errors inside (0, 1)."""
    rng = np.random.default_rng(seed)
    ranges = {
        "alpha": (0.02, 1),
        "beta": (0.01, 0.5),
        "D": (0.02, 0.3),
        "gamma": (0.001, 0.05),
        "k": (0.3, 0.9),
    }
    laws = []
    while len(laws) < count:
        law = form(
            **{
                name: float(np.exp(rng.uniform(*np.log(ranges.get(name, (0.05, 0.9))))))
                for name in form.names()
            }
        )
        if law.predict(N, V).min() > 0 and law.predict(N, V).max() < 1:
            laws.append(law)
    return laws


@pytest.mark.parametrize("form", [Product, Additive, LogLinear, Interaction])
def test_planted_laws_are_recovered(form):
    for law in random_laws(form, 200):
        found = fit_law(form, N, V, law.predict(N, V))
        assert found.law.parameters == pytest.approx(
            law.parameters, abs=1e-6, rel=1e-6
        ), law


def test_the_fit_to_the_published_points():
    found = fit_law(Product, *published("visual"), allow_bound=True)
    law = found.law
    assert [f"{each:.4f}" for each in (law.AB, law.alpha, law.beta, law.D)] == [
        "0.5908",
        "0.0709",
        "0.0151",
        "0.0000",
    ]
    assert f"{found.sse:.3e}" == "3.794e-04" and f"{found.r2:.3f}" == "0.992"
    assert (
        found.at_bound == ("D",)
        and found.free == ["AB", "alpha", "beta"]
        and found.degrees_of_freedom == 25
    )
    with pytest.raises(ValueError, match="D = 0 at its bound"):
        fit_law(Product, *published("visual"))


@pytest.mark.parametrize(("task", "gain"), [("visual", 8.5), ("ocr", 12.0)])
def test_the_straight_line_has_the_better_aic(task, gain):
    power = fit_law(Product, *published(task), allow_bound=True)
    line = fit_law(LogLinear, *published(task))
    assert power.criteria().aic - line.criteria().aic == pytest.approx(gain, abs=0.05)
    assert power.criteria(
        count_at_bound=True
    ).aic - line.criteria().aic == pytest.approx(gain + 2, abs=0.05)
    assert (
        power.criteria().k == line.criteria().k == 4
    )  # three of the law and the variance


@pytest.mark.parametrize("task", ["visual", "ocr"])
@pytest.mark.parametrize("form", [Product, Additive, Interaction])
def test_no_start_of_scipy_finds_a_better_optimum(form, task):
    points = published(task)
    found = fit_law(form, *points, allow_bound=True)
    low, high = np.array([form.BOUNDS[name] for name in form.names()]).T
    rng = np.random.default_rng(0)
    for _ in range(20):
        start = rng.uniform(0.005, 0.5, len(low))
        other = least_squares(
            lambda p: form(*p).predict(*points[:2]) - points[2],
            start,
            bounds=(low, high),
            ftol=1e-14,
            xtol=1e-14,
            gtol=1e-14,
        )
        assert found.sse <= 2 * other.cost * (1 + 1e-9)


def test_covariance_is_that_of_scipy():
    """With D held, by least squares over all parameters and numerical derivatives."""
    points = published("visual")
    found = fit_law(Product, *points, fixed={"D": 0.1})
    law = found.law
    other = least_squares(
        lambda p: (
            p[0] * (points[0] / 1e9) ** -p[1] * points[1] ** -p[2] + 0.1 - points[2]
        ),
        [0.5, 0.1, 0.02],
        xtol=1e-15,
        ftol=1e-15,
    )
    assert other.x == pytest.approx([law.AB, law.alpha, law.beta], rel=1e-5)
    expected = np.linalg.inv(other.jac.T @ other.jac) * found.sse / 25
    assert found.covariance.to_numpy() == pytest.approx(expected, rel=1e-4, abs=1e-12)


def test_weights_are_repeated_points():
    n, v, error = (np.asarray(each, float) for each in published("visual"))
    times = np.arange(28) % 3 + 1
    weighted = fit_law(Product, n, v, error, weights=times, allow_bound=True)
    repeated = fit_law(
        Product, *(np.repeat(each, times) for each in (n, v, error)), allow_bound=True
    )
    assert weighted.law.parameters == pytest.approx(repeated.law.parameters, rel=1e-6)
    assert weighted.sse == pytest.approx(repeated.sse)


def test_the_unit_of_n_changes_the_coefficient_alone():
    for unit in (1.0, 1e6):
        law = fit_law(Product, *published("visual"), unit=unit, allow_bound=True).law
        assert (law.alpha, law.beta, law.D) == pytest.approx(
            (0.0709375, 0.0151016, 0), abs=1e-6
        )
        assert law.AB * (unit / 1e9) ** law.alpha == pytest.approx(0.5907711, rel=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"N": np.full(28, 7e9)}, "all points have N = 7e"),
        ({"V": np.full(28, 16)}, "all points have V = 16"),
        ({"V": N / 1e8}, "are not identified by these points"),
        ({"error": np.full(28, 0.3)}, "nothing depends on N or V"),
        (
            {"N": N[:4], "V": V[:4], "error": ERROR[:4]},
            "4 points do not determine 4 parameters",
        ),
        ({"N": [], "V": [], "error": []}, "0 points do not determine"),
        (
            {"error": np.where(N == 7e9, np.nan, ERROR)},
            "error of point 21 is not finite",
        ),
        ({"N": np.where(N == 7e9, 0, N)}, "N of point 21 is 0 and must be positive"),
        ({"N": -N}, "must be positive"),
        ({"V": V - 1}, "V of point 0 is 0 and must be positive"),
        ({"V": V[:7]}, "one number of each for every point"),
        ({"weights": np.zeros(28)}, "weights of point 0 is 0"),
        ({"loss": "absolute"}, "choose from squared, huber, floor, binomial"),
        ({"loss": "binomial"}, "needs `trials`"),
        ({"trials": np.full(28, 10)}, "needs `trials`"),
        ({"loss": "binomial", "trials": np.full(28, 10)}, "not a count"),
        (
            {"loss": "binomial", "trials": np.full(28, 10), "error": ERROR * 10},
            "between 0 and 1",
        ),
        ({"loss": "huber", "error": ERROR - 0.5}, "Huber's loss is of its logarithm"),
        ({"N": N / 1e9}, "N of point 0 is 0.5 and the largest is 7, but N counts"),
        ({"N": np.where(N < 1e9, 0.5, N)}, "0.5 and the largest is 7e"),
        ({"N": N * 1e9}, "N of point 21 is 7e.18, which no language model has"),
        ({"error": 100 * ERROR}, "divide per cent by 100"),
        ({"error": ERROR - 0.5}, "a share lies between 0 and 1"),
        ({"error": 1 - ERROR}, "these look like accuracies; give 1 - accuracy"),
        ({"fixed": {"gamma": 1}}, "Product has no gamma"),
        ({"fixed": {"D": np.nan}}, "D cannot lie between"),
        ({"bounds": {"alpha": (0, np.inf)}}, "finite for an exponent"),
        ({"bounds": {"alpha": (0, 0.2)}}, "alpha = 0.2, D = 0 at its bound"),
        ({"unit": 0}, "must be positive"),
        ({"form": "product"}, "'product' is no form of law"),
        ({"form": LAW}, "give the class itself"),
        ({"fixed": {"AB": 1, "alpha": 1, "beta": 1, "D": 0}}, "nothing is left to fit"),
        (
            {"loss": "binomial", "trials": 2.5, "error": np.arange(28) / 28},
            "not a count",
        ),
    ],
)
def test_points_that_cannot_be_fitted_get_a_sentence(change, words):
    with pytest.raises(ValueError, match=words):
        fit_law(**{"form": Product, "N": N, "V": V, "error": ERROR, **change})


def test_errors_that_rise_with_one_of_the_two_or_by_chance_are_fitted():
    rising_in_v = 0.3 * (N / 1e9) ** -0.2 * V**0.05
    assert fit_law(Product, N, V, rising_in_v, fixed={"D": 0.0}).law.beta < 0
    noise = np.random.default_rng(5).uniform(0.3, 0.4, (40, 28))
    for error in noise:  # a quarter of these rises with both
        fit_law(LogLinear, N, V, error)


def test_a_loss_is_no_share():
    loss = 2 + ERROR
    found = fit_law(Product, N, V, loss, shares=False)
    assert pytest.approx(2.1) == found.law.D


def test_without_a_bound_on_the_floor_the_published_fit_runs_away():
    with pytest.raises(ValueError, match="runs away along its valley"):
        fit_law(Product, *published("visual"), bounds={"D": (-np.inf, np.inf)})


def test_nothing_given_is_changed_and_nothing_is_random():
    arrays = [np.asarray(each, float).copy() for each in published("visual")]
    before = [each.copy() for each in arrays]
    laws = [fit_law(Product, *arrays, allow_bound=True).law for _ in range(2)]
    assert laws[0] == laws[1] and all(
        np.array_equal(a, b) for a, b in zip(arrays, before, strict=True)
    )


@pytest.mark.parametrize("form", [Product, Additive, LogLinear, Interaction])
def test_derivatives_are_those_of_the_predictions(form):
    """By central differences, parameter by parameter."""
    law = random_laws(form, 1, seed=2)[0]
    found = fit_law(form, N, V, law.predict(N, V))
    for i, name in enumerate(form.names()):
        step = 1e-5 * np.eye(len(form.names()))[i]
        above, below = (
            form.errors((found.law.parameters + sign * step)[None], N, V)[0]
            for sign in (1, -1)
        )
        column = found.jacobian(N, V)[:, found.free.index(name)]
        assert column == pytest.approx((above - below) / 2e-5, rel=1e-6, abs=1e-7)
