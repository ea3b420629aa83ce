"""The shipped seconds: prefills are predicted by two numbers fitted at other V."""

from pathlib import Path

import numpy as np
import pytest

from vlmcore.config import LANGUAGE_SIZES
from vlmcore.cost import fit_speed, language_parameters
from vlmcore.files import read_json

pytestmark = pytest.mark.results
FILES = sorted(Path("book/results/latency").glob("*.json"))


ROUNDS = sorted(Path("book/results/latency/rounds").glob("*.json"))
"""Measured in rounds, all points in turn; of the largest model up to V = 144."""


def errors(result, fitted):
    """Relative errors of the predictions at the V that were not fitted."""
    points = {point["visual_tokens"]: point for point in result["points"]}
    used = [points.pop(v) for v in fitted]
    speed = fit_speed(
        [point["prefill_flops"] for point in used],
        [point["prefill"]["median"] for point in used],
    )
    return [
        abs(speed.seconds(point["prefill_flops"]) / point["prefill"]["median"] - 1)
        for point in points.values()
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_prefills_are_predicted_by_two_numbers_fitted_on_others(path):
    result = read_json(path)
    assert result["params"] == language_parameters(LANGUAGE_SIZES[result["model"]])
    wrong = errors(result, (1, 144, 576))
    # all repetitions of a point were measured in a row, so one point may be slow
    assert len(wrong) >= 5 and sorted(wrong)[-2] < 0.25 and np.median(wrong) < 0.1


@pytest.mark.parametrize("path", ROUNDS, ids=lambda path: path.stem)
def test_prefills_measured_in_rounds_are_predicted_within_a_tenth(path):
    result = read_json(path)
    assert result["params"] == language_parameters(LANGUAGE_SIZES[result["model"]])
    most = max(point["visual_tokens"] for point in result["points"])
    wrong = errors(result, (1, 144 if most == 576 else 36, most))
    assert len(wrong) >= 3 and max(wrong) < 0.1


def test_three_sizes_are_measured():
    for files in (FILES, ROUNDS):
        assert len({read_json(path)["params"] for path in files}) == 3
