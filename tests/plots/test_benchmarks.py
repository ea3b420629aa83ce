import numpy as np
import pandas as pd
import pytest

from tests.plots.artists import xs, ys
from vlmcore import plots


def test_scores_are_drawn_at_their_values_with_chance():
    table = pd.DataFrame(
        {
            "benchmark": ["a", "b"] * 2,
            "model": ["m", "m", "n", "n"],
            "value": [0.5, 0.6, 0.7, 0.8],
            "error": 0.1,
            "chance": [0.2, 0.3] * 2,
        }
    )
    axis = plots.benchmark_scores(table).axes[0]
    drawn = [container.lines[0].get_ydata().tolist() for container in axis.containers]
    assert drawn == [[0.5, 0.6], [0.7, 0.8]]
    chance = axis.collections[-1].get_segments()
    assert [segment[0, 1] for segment in chance] == [0.2, 0.3]


def test_bars_of_agreement():
    bars = plots.vqa_agreement([0, 0.3, 1]).axes[0].patches
    assert [bar.get_height() for bar in bars] == [0, 0.3, 1]


def test_random_answers_and_the_splits():
    f1, accuracy = map(ys, plots.yes_bias({"random": (0.6, 0.7, 0.65)}).axes)
    assert f1[1] == [0.7] and accuracy[1] == [0.65]
    assert f1[0][-1] == pytest.approx(2 / 3) and set(accuracy[0]) == {0.5}


def test_lines_of_known_and_guessed_answers():
    known = np.array([0.0, 1.0])
    figure = plots.circular_accuracy(known, known + 0.1, known, {"m": (0.4, 0.2)})
    assert [y[0] for y in ys(figure.axes[0])] == [0.1, 0.0, 0.4, 0.2]


def test_bars_span_what_is_required_and_only_known_sizes_are_marked():
    rows = {"first": 0.6, "second": [0.59, 0.5], "questions": [1000, np.nan]}
    table = pd.DataFrame({"benchmark": ["a", "b"], **rows})
    drawn = xs(plots.required_sample_sizes(table).axes[0])
    bars = [x for x in drawn if len(x) == 2]
    assert len(bars) == 2 and all(low < high for low, high in bars)
    assert bars[0][0] == pytest.approx(3.8415 * 99, rel=1e-3)
    assert [x for x in drawn if len(x) == 1] == [[1000]]
