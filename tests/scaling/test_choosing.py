import numpy as np
import pandas as pd
import pytest

from tests.scaling.test_fitting import published
from vlmcore.cost import paper_flops
from vlmcore.scaling import Product, bootstrap, candidates, fit_law, plan

SIZES, TOKENS = [5e8, 1.8e9, 4e9, 7e9, 14e9], [1, 4, 16, 36, 64, 144, 576]


@pytest.fixture(scope="module")
def laws():
    return bootstrap(
        fit_law(Product, *published("visual"), allow_bound=True), count=200
    )


def test_candidates_have_the_costs_of_the_formula():
    table = candidates(
        TOKENS, 50, sizes=SIZES, encoder_flops=3.8e11, question_pass=True
    )
    assert len(table) == 35
    for row in table.itertuples():
        assert (
            row.cost
            == paper_flops(row.params, 50, row.visual_tokens)
            + 2 * row.params * 50
            + 3.8e11
        )
    free = candidates(TOKENS, 50, budget=1e12, encoder_flops=3.8e11)
    assert (free["cost"] == 1e12).all()
    assert [
        paper_flops(row.params, 50, row.visual_tokens) for row in free.itertuples()
    ] == pytest.approx([6.2e11] * 7)


@pytest.mark.parametrize("q", [0, 50])
@pytest.mark.parametrize("budget", [1e10, 1e11, 1e12, 3e12])
def test_the_plan_by_hand(laws, budget, q):
    """The same rule in plain loops over the laws that a page holds."""
    plain, rows = laws.to_json(), candidates(TOKENS, q, sizes=SIZES).to_numpy().tolist()
    rows = [row for row in rows if row[2] <= budget]
    if not rows:
        with pytest.raises(ValueError, match="covers none of 35"):
            plan(laws, candidates(TOKENS, q, sizes=SIZES), budget)
        return

    def error(law, row):
        AB, alpha, beta, D = law
        return AB * (row[0] / plain["unit"]) ** -alpha * row[1] ** -beta + D

    def best(law):
        return min(range(len(rows)), key=lambda i: error(law, rows[i]))

    choice = best(plain["law"])
    found = plan(laws, candidates(TOKENS, q, sizes=SIZES), budget)
    assert [found.params, found.visual_tokens, found.cost] == rows[choice]
    assert found.error.value == pytest.approx(
        error(plain["law"], rows[choice]), abs=1e-12
    )
    assert (
        found.agreement == sum(best(law) == choice for law in plain["replicates"]) / 200
    )
    ordered = sorted(error(law, rows[choice]) for law in plain["replicates"])
    for end, share in ((found.error.low, 0.025), (found.error.high, 0.975)):
        place = share * 199
        below = ordered[int(place)]
        assert end == pytest.approx(
            below + (place - int(place)) * (ordered[int(place) + 1] - below), abs=1e-12
        )


def test_with_cached_text_one_token_and_the_largest_model_are_bought(laws):
    found = plan(laws, candidates(TOKENS, 0, sizes=SIZES), 2 * 7e9)
    assert (found.params, found.visual_tokens) == (7e9, 1) and found.agreement == 1
    assert found.error.low < found.error.value < found.error.high


def test_a_continuous_size_follows_the_closed_form(laws):
    tokens = np.arange(1, 577)
    found = plan(laws, candidates(tokens, 50, budget=1e12), 1e12)
    exact = laws.fit.law.optimum(1e12, 50)
    assert abs(found.visual_tokens - exact.visual_tokens) <= 1
    assert exact.error <= found.error.value <= exact.error + 1e-5


def test_seconds_can_be_spent_instead(laws):
    """If only size costs time, the plan buys all tokens."""
    measured = candidates(TOKENS, 0, sizes=SIZES).assign(
        cost=lambda t: t["params"] / 1e9, remark="by stopwatch"
    )
    found = plan(laws, measured, 4)
    assert (found.params, found.visual_tokens, found.cost) == (4e9, 576, 4)


def test_nonsense_gets_a_sentence(laws):
    table = candidates(TOKENS, 0, sizes=SIZES)
    for call, words in [
        (lambda: candidates(TOKENS, 0), "not both"),
        (lambda: candidates(TOKENS, 0, sizes=SIZES, budget=1e9), "not both"),
        (lambda: candidates([], 0, sizes=SIZES), "nothing to choose from"),
        (lambda: candidates([0], 0, sizes=SIZES), "must be positive"),
        (lambda: candidates(TOKENS, -1, sizes=SIZES), "must not be negative"),
        (lambda: candidates(TOKENS, 0, budget=np.nan), "leave nothing"),
        (lambda: candidates(TOKENS, 0, budget=1e9, encoder_flops=1e9), "leave nothing"),
        (lambda: plan(laws, table.drop(columns="cost"), 1e12), "have no cost"),
        (lambda: plan(laws, table, 1), "the cheapest costs 1e"),
        (lambda: plan(laws, table, np.nan), "covers none"),
        (
            lambda: plan(laws, table.assign(cost=np.nan), 1e12),
            "missing or not positive",
        ),
        (
            lambda: plan(laws, pd.DataFrame(columns=table.columns), 1e12),
            "covers none of 0",
        ),
        (lambda: plan(laws, table, 1e12, level=95), "is no share"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
