"""The shipped seconds: a prefill is predicted by two numbers fitted on other V."""

from pathlib import Path

import pytest

from vlmcore.config import LANGUAGE_SIZES
from vlmcore.cost import fit_speed, language_parameters
from vlmcore.files import read_json

pytestmark = pytest.mark.results
FILES = sorted(Path("book/results/latency").glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_prefill_is_predicted_within_a_fifth(path):
    result = read_json(path)
    assert result["params"] == language_parameters(LANGUAGE_SIZES[result["model"]])
    points = {point["visual_tokens"]: point for point in result["points"]}
    fitted = [points.pop(v) for v in (1, 64, 576)]
    speed = fit_speed(
        [point["prefill_flops"] for point in fitted],
        [point["prefill"]["median"] for point in fitted],
    )
    assert len(points) >= 5
    for v, point in points.items():
        predicted = speed.seconds(point["prefill_flops"])
        assert predicted == pytest.approx(point["prefill"]["median"], rel=0.2), v


def test_three_sizes_are_measured():
    assert len({read_json(path)["params"] for path in FILES}) >= 3
