import numpy as np
import pytest

from vlmcore.cost import paper_flops
from vlmcore.scaling import Additive, Interaction, LogLinear, Product

LAWS = [
    Product(AB=0.56, alpha=0.08, beta=0.015, D=0.03),
    Product(AB=0.56, alpha=0.05, beta=0.045, D=0.03),
    Product(AB=0.9, alpha=0.03, beta=0.04, D=0.0),
    Product(AB=0.6, alpha=0.1, beta=-0.01, D=0.0),
    LogLinear(k=0.59, alpha=0.038, beta=0.008),
    Additive(A=0.4, B=0.2, alpha=0.1, beta=0.05, D=0.01),
    Interaction(AB=0.59, alpha=0.065, beta=0.014, gamma=0.002, D=0.0),
]
FORMULAS = {
    Product: lambda p, n, v: p.AB * n**-p.alpha * v**-p.beta + p.D,
    Additive: lambda p, n, v: p.A * n**-p.alpha + p.B * v**-p.beta + p.D,
    LogLinear: lambda p, n, v: p.k - p.alpha * np.log(n) - p.beta * np.log(v),
    Interaction: lambda p, n, v: (
        p.AB * n**-p.alpha * v ** -(p.beta + p.gamma * np.log(n)) + p.D
    ),
}


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_predictions_are_those_of_the_formula(law):
    N, V = np.array([[5e8], [7e9]]), np.array([1, 36, 576])
    assert law.predict(N, V) == pytest.approx(
        FORMULAS[type(law)](law, N / 1e9, V), rel=1e-12
    )


@pytest.mark.parametrize("q", [0, 7, 50, 400])
@pytest.mark.parametrize("law", LAWS, ids=str)
def test_no_affordable_model_beats_the_optimum(law, q):
    budget = 3e11
    best = law.optimum(budget, q)
    V = np.exp(np.linspace(0, np.log(576), 40_001))
    errors = law.predict(budget / (2 * (q + V)), V)
    assert best.error <= errors.min() + 1e-12
    assert best.visual_tokens == pytest.approx(V[errors.argmin()], rel=1e-3)
    assert paper_flops(best.params, q, best.visual_tokens) == pytest.approx(budget)


def test_the_closed_form():
    law = Product(AB=1, alpha=0.077, beta=0.015, D=0)
    assert law.optimal_tokens(50) == pytest.approx(0.015 * 50 / 0.062)
    assert law.optimal_tokens(0) == 1
    assert law.optimal_tokens(50) == Product(
        AB=3, alpha=0.077, beta=0.015, D=0.2
    ).optimal_tokens(50)
    assert (
        Product(AB=1, alpha=0.1, beta=0.1, D=0).optimal_tokens(
            50, max_visual_tokens=144
        )
        == 144
    )
    assert law.optimal_tokens(1e6) == 576
    assert Product(AB=1, alpha=0.1, beta=0, D=0).ratio == np.inf


def test_a_product_has_the_same_best_tokens_at_every_budget_and_a_sum_has_not():
    budgets = [1e10, 1e11, 1e12]
    assert np.ptp(LAWS[0].frontier(budgets, 50)["visual_tokens"]) == 0
    added = LAWS[5].frontier(budgets, 50)
    assert (
        added["visual_tokens"].is_monotonic_increasing
        and np.ptp(added["visual_tokens"]) > 1
    )
    assert added["error"].is_monotonic_decreasing and added["flops"].tolist() == budgets
    assert len(LAWS[0].frontier(1e12, 50)) == 1


def test_encoder_and_question_pass_can_be_counted():
    law, budget, encoder = LAWS[0], 1e12, 3.8e11
    plain, seen, asked = (
        law.optimum(budget, 50, **extra)
        for extra in ({}, {"encoder_flops": encoder}, {"question_pass": True})
    )
    assert seen.visual_tokens == plain.visual_tokens
    assert seen.params == pytest.approx(plain.params * (budget - encoder) / budget)
    assert asked.visual_tokens == pytest.approx(law.optimal_tokens(100))
    assert paper_flops(asked.params, 100, asked.visual_tokens) == pytest.approx(budget)


def test_nonsense_gets_a_sentence():
    law = LAWS[0]
    for call, words in [
        (lambda: Product(AB=np.nan, alpha=1, beta=1, D=0), "must be finite"),
        (lambda: Product(AB=1, alpha=1, beta=1, D=0, unit=0), "unit positive"),
        (lambda: law.predict(0, 1), "positive N and V only"),
        (lambda: law.optimal_tokens(-1), "Q is 0 when the text is cached"),
        (lambda: law.optimal_tokens(1, max_visual_tokens=0.5), "allow at least 1"),
        (lambda: law.optimal_tokens(1, max_visual_tokens=np.inf), "no infinity"),
        (lambda: law.optimum(np.inf, 50), "leave nothing of a budget of inf"),
        (lambda: LAWS[5].optimal_tokens(50, np.nan), "depends on the budget"),
        (lambda: law.optimum(1e9, 50, encoder_flops=2e9), "leave nothing of a budget"),
        (lambda: LAWS[5].optimal_tokens(50), "depends on the budget"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
