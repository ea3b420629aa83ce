"""Values by seed and question, against refits and slopes of resampled questions."""

import numpy as np
import pandas as pd
import pytest

from vlmcore.experiments.analysis.by_question import (
    across,
    by_question,
    exponents_by_question,
    log_errors,
    marks_of,
)
from vlmcore.scaling import Product, fit_law, over_seeds

SIZES, TOKENS, QUESTIONS = (25e3, 80e3, 200e3, 1e6), (1, 4, 16, 36), 1500
LAW = Product(AB=0.45, alpha=0.3, beta=0.2, D=0.05, unit=1e5)


@pytest.fixture(scope="module")
def rows():
    """Three seeds whose answers agree: a hard question is hard for all of them."""
    rng = np.random.default_rng(0)
    hardness = rng.uniform(size=QUESTIONS)
    cells = [
        (seed, n, v, LAW.predict(n, v))
        for seed in range(3)
        for n in SIZES
        for v in TOKENS
    ]
    noise = rng.normal(0, 0.1, (len(cells), QUESTIONS))
    return pd.DataFrame(
        {
            "seed": [seed for seed, *_ in cells],
            "params": [n for _, n, *_ in cells],
            "visual_tokens": [v for *_, v, _ in cells],
            "wrong": [
                (hardness + each < cell[-1]).astype(float)
                for cell, each in zip(cells, noise, strict=True)
            ],
        }
    )


def fit(cells):
    error = np.stack(cells["wrong"]).mean(1)
    points = cells["params"], cells["visual_tokens"], error
    options = {"loss": "binomial", "trials": QUESTIONS, "unit": 1e5}
    return fit_law(Product, *points, **options, allow_bound=True)


def redrawn(cells, count=200):
    """Errors of the cells on resampled questions, float (count, cells)."""
    wrong, rng = np.stack(cells["wrong"]), np.random.default_rng(1)
    draws = rng.multinomial(QUESTIONS, np.full(QUESTIONS, 1 / QUESTIONS), count)
    return draws @ wrong.T / QUESTIONS


def test_exponents_move_with_the_questions_as_refits_do(rows):
    cells = rows[rows["seed"] == 0]
    found = exponents_by_question({0: fit(cells)}, rows)
    values, law = found["alpha"] - found["beta"], fit(cells).law
    assert values.mean() == pytest.approx(law.alpha - law.beta)
    errors, model = redrawn(cells), fit(cells).model
    weights = np.full_like(errors, QUESTIONS)
    problem = model.problem(fit(cells).points, errors, weights)
    start = np.tile([law.alpha, law.beta], (len(errors), 1))
    _, alpha, beta, _ = model.solve(problem, start).parameters.T
    assert values.sem() == pytest.approx(np.std(alpha - beta), rel=0.15)


def test_log_errors_move_with_the_questions_as_those_of_other_questions_do(rows):
    cells = rows[rows["seed"] == 0]
    found = log_errors(rows).loc[0]
    slope = found[1, SIZES[0]] - found[36, SIZES[-1]]

    errors = redrawn(cells)
    differences = np.log(errors[:, 0] / errors[:, -1])
    own = [np.mean(cells["wrong"].iloc[end]) for end in (0, -1)]
    assert slope.mean() == pytest.approx(np.log(own[0] / own[1]))
    assert slope.sem() == pytest.approx(differences.std(), rel=0.15)


def test_seeds_that_answer_alike_do_not_average_the_questions_away(rows):
    """Between seeds hardly anything differs, so an interval over them is too narrow."""
    cell = rows.query("params == @SIZES[0] and visual_tokens == 1")
    wrong = by_question(cell)
    crossed = across(wrong)
    alone = over_seeds(wrong.groupby("seed").mean())
    assert crossed.value == pytest.approx(alone.value)
    assert crossed.high - crossed.low > 2 * (alone.high - alone.low)
    assert crossed.high - crossed.value >= 1.9 * wrong.groupby("question").mean().sem()


def test_a_parameter_at_its_bound_does_not_move_with_the_questions(rows):
    cells = rows[rows["seed"] == 0].assign(
        wrong=lambda t: [
            each * (n < 1e6) for each, n in zip(t.wrong, t.params, strict=True)
        ]
    )
    found = exponents_by_question({0: fit(cells)}, cells)
    assert np.ptp(found["D"]) == 0 < np.ptp(found["alpha"])


def test_marks_are_those_of_wrong_answers():
    assert marks_of("1011").tolist() == [0, 1, 0, 0]
