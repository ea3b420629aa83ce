"""The plan's criteria, on grids planted so that each is met, and so that each is not."""

import json
from itertools import product

from tests.experiments.analysis.test_scaling_grid import (
    LAWS,
    plant,
    planted,
    result,
    write,
)
from vlmcore.experiments.analysis.preregistered import verdicts
from vlmcore.experiments.analysis.scaling_grid import Grid
from vlmcore.experiments.suites.grid import GRID_SIZES, GRID_TOKENS
from vlmcore.scaling import Product

ONE_TOKEN, ALL_TOKENS, GRADED, PREDICTED = 1, 4, 5, 6
AGREEING = LAWS | {"reasoning": Product(AB=0.5, alpha=0.3, beta=0.1, D=0.05)}


def outcomes(folder):
    return [verdict.outcome for verdict in verdicts(Grid(folder))]


def test_a_grid_that_agrees_meets_every_line(tmp_path):
    plant(tmp_path, AGREEING, spread=0.01)
    found = verdicts(Grid(tmp_path))
    assert {verdict.outcome for verdict in found} == {"met"}
    assert (
        found[ONE_TOKEN].found == "only V = 1" and found[ALL_TOKENS].found == "25k × 36"
    )
    assert found[PREDICTED].found == "12 of 12 hold, 12 sharp"


def test_a_grid_turned_round_fails_every_line_but_the_prediction(tmp_path):
    turned = {
        "knowledge": Product(AB=0.3, alpha=0.1, beta=0.4, D=0.01),
        "reasoning": Product(AB=0.5, alpha=0.1, beta=0.3, D=0.05),
        "ocr": Product(AB=0.4, alpha=0.5, beta=0.0, D=0.0),
    }
    plant(tmp_path, turned, spread=0.01)
    assert outcomes(tmp_path) == ["failed"] * 6 + ["met"]


def test_an_interval_that_holds_zero_is_a_failure_by_the_plans_word(tmp_path):
    even = Product(AB=0.3, alpha=0.2, beta=0.1, D=0.0)
    plant(tmp_path, AGREEING | {"knowledge": even}, spread=0.05)
    contrast = verdicts(Grid(tmp_path))[0]
    value, low, high = (
        float(end)
        for end in contrast.found.translate(str.maketrans("[],", "   ")).split()
    )
    assert low < 0 < high and low < value < high and contrast.outcome == "failed"


def test_two_histories_are_too_few(tmp_path):
    plant(tmp_path, AGREEING, seeds=(0, 1))
    assert [outcomes(tmp_path)[i] for i in (0, 2, 3)] == ["too few histories"] * 3


def test_one_history_has_no_steps_to_judge(tmp_path):
    plant(tmp_path, AGREEING, seeds=(0,))
    assert outcomes(tmp_path)[GRADED] == "too few histories"


def test_a_step_within_its_noise_is_no_step(tmp_path):
    plant(tmp_path, AGREEING)
    for seed, v in product(range(3), (16, 36)):
        write(
            tmp_path,
            result(
                "ocr", "quecc", GRID_SIZES[-1], v, seed, 0.2 + 0.01 * seed * (v == 16)
            ),
        )
    assert outcomes(tmp_path)[GRADED] == "failed"


def test_a_largest_model_off_the_law_fails_its_prediction(tmp_path):
    plant(tmp_path, AGREEING)
    for seed, v in product(range(3), GRID_TOKENS):
        write(
            tmp_path,
            result(
                "knowledge",
                "quecc",
                GRID_SIZES[-1],
                v,
                seed,
                1.3 * planted(LAWS["knowledge"], GRID_SIZES[-1], v),
            ),
        )
    found = verdicts(Grid(tmp_path))[PREDICTED]
    assert (found.found, found.outcome) == ("0 of 12 hold, 12 sharp", "failed")


def test_a_prediction_too_blunt_to_be_wrong_says_nothing(tmp_path):
    plant(tmp_path, AGREEING)
    for path in tmp_path.glob("*.json"):
        content = json.loads(path.read_text())
        score, few = content["scores"]["test"]["all"], 50
        score |= {"value": round(few * score["value"]) / few, "count": few}
        path.write_text(json.dumps(content))
    assert outcomes(tmp_path)[PREDICTED] == "uninformative"
