"""The pre-registered criteria, on planted grids that meet each of them, and fail it."""

import json
from itertools import product

import pytest

from tests.experiments.analysis.planted import LAWS, error_of, plant, write
from vlmcore.experiments.analysis.preregistered import verdicts
from vlmcore.experiments.analysis.scaling_grid import Grid
from vlmcore.experiments.suites.grid import GRID_SIZES, GRID_TOKENS
from vlmcore.scaling import Product

CONTRASTS, ONE_TOKEN, ALL_TOKENS, STEPS, PREDICTED = (0, 2, 3), 1, 4, 5, 6
AGREEING = LAWS | {"reasoning": Product(AB=0.5, alpha=0.3, beta=0.1, D=0.05)}


def decisions(folder):
    return [verdict.decision for verdict in verdicts(Grid(folder))]


def test_a_grid_that_agrees_meets_every_criterion(tmp_path):
    plant(tmp_path, AGREEING, spread=0.01)
    found = verdicts(Grid(tmp_path))
    assert {verdict.decision for verdict in found} == {"met"}
    assert [found[i].finding for i in (ONE_TOKEN, ALL_TOKENS, PREDICTED)] == [
        "only V = 1",
        "25k × 36",
        "12 of 12 hold, 12 informative",
    ]


def test_an_opposite_grid_fails_every_criterion_but_the_prediction(tmp_path):
    opposite = {
        "knowledge": Product(AB=0.3, alpha=0.1, beta=0.4, D=0.01),
        "reasoning": Product(AB=0.5, alpha=0.1, beta=0.3, D=0.05),
        "ocr": Product(AB=0.4, alpha=0.5, beta=0.0, D=0.0),
    }
    plant(tmp_path, opposite, spread=0.01)
    assert decisions(tmp_path) == ["failed"] * 6 + ["met"]


def test_an_interval_that_includes_zero_fails_under_the_preregistered_criterion(
    tmp_path,
):
    even = Product(AB=0.3, alpha=0.2, beta=0.1, D=0.0)
    plant(tmp_path, AGREEING | {"knowledge": even}, spread=0.05)
    contrast = verdicts(Grid(tmp_path))[0]
    plain = contrast.finding.translate(str.maketrans("[],", "   "))
    value, low, high = map(float, plain.split())
    assert low < 0 < high and low < value < high and contrast.decision == "failed"


@pytest.mark.parametrize(("seeds", "criteria"), [((0, 1), CONTRASTS), ((0,), (STEPS,))])
def test_few_seeds_give_no_decision(tmp_path, seeds, criteria):
    plant(tmp_path, AGREEING, seeds=seeds)
    found = decisions(tmp_path)
    assert {found[i] for i in criteria} == {"too few seeds"}


def test_a_step_within_its_noise_is_no_step(tmp_path):
    plant(tmp_path, AGREEING)
    for seed, v in product(range(3), (16, 36)):
        write(tmp_path, "ocr", GRID_SIZES[-1], v, seed, 0.2 + 0.01 * seed * (v == 16))
    assert decisions(tmp_path)[STEPS] == "failed"


def test_a_largest_model_off_the_law_fails_its_prediction(tmp_path):
    plant(tmp_path, AGREEING)
    for seed, v in product(range(3), GRID_TOKENS):
        error = 1.3 * error_of(LAWS["knowledge"], GRID_SIZES[-1], v)
        write(tmp_path, "knowledge", GRID_SIZES[-1], v, seed, error)
    found = verdicts(Grid(tmp_path))[PREDICTED]
    assert found[1:] == ("0 of 12 hold, 12 informative", "failed")


def test_a_prediction_with_a_large_error_is_uninformative(tmp_path):
    plant(tmp_path, AGREEING)
    for path in tmp_path.glob("*.json"):
        content = json.loads(path.read_text())
        score, few = content["scores"]["test"]["all"], 50
        score |= {"value": round(few * score["value"]) / few, "count": few}
        path.write_text(json.dumps(content))
    assert decisions(tmp_path)[PREDICTED] == "uninformative"
