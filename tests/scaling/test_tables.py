"""A table of one's own: read, fitted and summarised."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.scaling.test_fitting import N, V
from vlmcore.cost import paper_flops
from vlmcore.scaling import LogLinear, Product
from vlmcore.scaling.tables import fit_table, summary

LAW = Product(AB=0.6, alpha=0.4, beta=0.1, D=0.1)
ERROR = LAW.predict(N, V) + 0.004 * np.random.default_rng(0).normal(size=28)


@pytest.fixture
def write(tmp_path):
    def written(drop=(), **columns):
        path = tmp_path / "table.csv"
        table = {"run": "a", "N": N, "V": V, "error": ERROR} | columns
        pd.DataFrame(table).drop(columns=list(drop)).to_csv(path)
        return path

    return written


def test_the_planted_law_its_frontier_and_choice(write):
    found = json.loads(json.dumps(summary(fit_table(write()), 50), allow_nan=False))
    by_method = found["intervals"]
    for name, planted in (("alpha", 0.4), ("beta", 0.1), ("ratio", 4.0)):
        for method in ("profile", "bootstrap", "jackknife"):
            ends = by_method[method][name]
            assert ends["low"] < planted < ends["high"], (method, name)
    assert "trust the jackknife" in found["trust"] and found["share_refused"] == 0
    assert found["data"] == {"N": [5e8, 7e9], "V": [1, 576]}
    best = [(row["N"], row["V"]) for row in found["frontier"]]
    cost, error = paper_flops(N, 50, V), ERROR
    for n, v in best:
        own = (n == N) & (v == V)
        assert not ((cost < cost[own]) & (error <= error[own])).any()
    choice = found["choice"]["measured sizes"]
    assert choice["flops"] <= found["budget"] and choice["outside"] == []
    assert (choice["N"], choice["V"]) in zip(N, V, strict=True)


def test_what_is_outside_of_the_table_is_said(write):
    found = summary(fit_table(write()), 0, budget=1e12, refits=50)
    assert found["choice"]["any size"]["outside"] == ["N"]
    assert summary(fit_table(write()), 50, 1e9, 50)["choice"]["measured sizes"] is None


def test_billions_counts_and_weights(write):
    plain = fit_table(write()).law
    billions = fit_table(write(N=N / 1e9), billions=True).law
    assert billions.parameters == pytest.approx(plain.parameters)
    counts = fit_table(write(error=np.round(ERROR * 500) / 500, count=500))
    assert counts.model.loss == "binomial"
    weighted = fit_table(write(weight=np.where(V == 1, 100, 1)), LogLinear)
    even = fit_table(write(), LogLinear)
    first = V == 1
    assert (weighted.residuals[first] ** 2).sum() < (even.residuals[first] ** 2).sum()


def test_few_sizes_have_no_jackknife(write):
    few = fit_table(write(N=np.where(N < 2e9, 1e9, 7e9)))
    found = summary(few, 50, refits=50)
    assert "jackknife" not in found["intervals"]
    assert "too few sizes" in found["trust"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"drop": ["V"]}, "has no column V; its columns are"),
        ({"error": ["many"] * 28}, "error of row 1 is many, which is no number"),
        ({"N": [""] * 28}, "leave rows without a measurement out"),
        ({"N": N / 1e9}, "multiply an N in billions by 1e9"),
        ({"error": 1 - ERROR}, "these look like accuracies"),
        ({"count": 500, "weight": 1.0}, "leave `weights` out"),
    ],
)
def test_a_table_that_cannot_be_fitted_gets_a_sentence(write, columns, words):
    with pytest.raises(ValueError, match=words):
        fit_table(write(**columns))


def test_no_table_gets_a_sentence(tmp_path):
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(ValueError, match="no table of comma-separated values"):
        fit_table(tmp_path / "empty.csv")
