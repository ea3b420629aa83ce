import numpy as np
import pytest

from tests.scaling.test_fitting import published
from vlmcore.scaling import Product, bootstrap, candidates, fit_law, plan


@pytest.fixture(scope="module")
def laws():
    return bootstrap(fit_law(Product, *published("visual"), allow_bound=True), count=20)


def test_a_law_knows_its_data_and_a_written_one_has_none(laws):
    law = laws.fit.law
    assert law.data == ((5e8, 7e9), (1, 576))
    outside = law.data.outside([[4e8], [5e8], [7e9], [14e9]], [1, 576, 577])
    assert outside.tolist() == [[True] * 3, [False, False, True]] * 1 + [
        [False, False, True],
        [True] * 3,
    ]
    written = Product(*law.parameters)
    assert written.data is None and written == law
    assert written.predict(7, 1) > 0


@pytest.mark.parametrize(
    ("size", "v", "outside"),
    [(7e9, 16, ()), (14e9, 16, ("N",)), (7e9, 729, ("V",)), (4e8, 729, ("N", "V"))],
)
def test_a_plan_says_what_is_extrapolated(laws, size, v, outside):
    assert plan(laws, candidates([v], 50, sizes=[size]), 1e14).outside == outside


def test_billions_and_parameters_are_not_mixed(laws):
    law, words = laws.fit.law, "one of the two seems to be in billions"
    for call in (
        lambda: law.predict(7, 1),
        lambda: law.predict([7e9, 7e18], 1),
        lambda: laws.predict(14, [1, 16]),
        lambda: law.optimum(100, 50),
        lambda: plan(laws, candidates([1], 50, sizes=[7]), 1e12),
    ):
        with pytest.raises(ValueError, match=words):
            call()
    assert np.isfinite(law.predict([1e8, 1e12], 1)).all()  # far, and in parameters
