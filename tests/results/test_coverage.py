"""The recorded simulations of how often intervals contain the truth."""

import pytest

from vlmcore.files import read_results
from vlmcore.scaling.coverage import simulate
from vlmcore.scaling.planted import SETTINGS

pytestmark = pytest.mark.results

BY_NAME = {setting.name: setting for setting in SETTINGS}


@pytest.fixture(scope="module")
def recorded(results):
    return {result["name"]: result for result in read_results(results / "laws")}


@pytest.fixture(scope="module")
def share(recorded):
    """Share of intervals that contain the truth, by setting, quantity and method."""
    return {
        (name, row["quantity"], row["method"]): row["covered"] / row["simulations"]
        for name, result in recorded.items()
        for row in result["coverage"]
    }


def test_every_setting_is_recorded_as_it_is_defined(recorded):
    assert set(recorded) == set(BY_NAME)
    for name, result in recorded.items():
        setting = BY_NAME[name]
        assert result["truth"] == setting.truth()
        assert result["noise"] == setting.noise()
        assert "--simulations 2000 --with-refits 300" in result["command"]
        for row in result["coverage"]:
            n = row["simulations"]
            assert 250 <= n <= 300 or 1000 <= n <= 2000


def test_the_ledger_reads_them(numbers, share):
    found = numbers["coverage.product.ratio.profile"]
    assert found.value == share["product", "ratio", "profile"] and found.count == 2000
    assert "coverage.published.prediction.residual_bootstrap" in numbers


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("product", "profile"),
        ("additive", "profile"),
        ("counts", "profile"),
        ("published", "profile"),
        ("loglinear", "fieller"),
    ],
)
def test_intervals_of_the_ratio_have_their_level(share, name, method):
    assert 0.935 <= share[name, "ratio", method] <= 0.965


def test_methods_that_fall_short_are_on_record(share):
    # noise shared by all points of a size: methods that take points as independent give
    # intervals that are too narrow
    jackknife = share["shared", "ratio", "jackknife over sizes"]
    assert share["shared", "ratio", "profile"] < 0.9 < jackknife
    # four clusters are too few for a wild bootstrap
    assert share["product", "ratio", "wild_cluster bootstrap"] < 0.8


def test_a_small_simulation_agrees_with_the_recorded_one(share):
    rows = {
        (row.quantity, row.method): row
        for row in simulate(BY_NAME["product"], 200, 2, seed=5)
    }
    for quantity in ("alpha", "ratio"):
        found = rows[quantity, "profile"].covered / 200
        expected = share["product", quantity, "profile"]
        assert found == pytest.approx(expected, abs=0.05)
