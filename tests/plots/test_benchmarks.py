import numpy as np
import pandas as pd
import pytest

from vlmcore import plots


def test_scores_are_drawn_where_they_are_with_their_guess():
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
    assert [segment[0, 1] for segment in axis.collections[-1].get_segments()] == [
        0.2,
        0.3,
    ]


def test_bars_of_agreement():
    assert [
        bar.get_height() for bar in plots.vqa_agreement([0, 0.3, 1]).axes[0].patches
    ] == [0, 0.3, 1]


def test_the_coin_and_the_splits():
    axes = plots.yes_bias({"random": (0.6, 0.7, 0.65)}).axes
    assert [axis.lines[1].get_ydata()[0] for axis in axes] == [0.7, 0.65]
    assert axes[0].lines[0].get_ydata()[-1] == pytest.approx(2 / 3) and set(
        axes[1].lines[0].get_ydata()
    ) == {0.5}


def test_lines_of_one_who_guesses():
    known = np.array([0.0, 1.0])
    axis = plots.circular_accuracy(known, known + 0.1, known, {"m": (0.4, 0.2)}).axes[0]
    assert [line.get_ydata()[0] for line in axis.lines] == [0.1, 0.0, 0.4, 0.2]


def test_bars_span_what_is_needed_and_only_known_sizes_are_marked():
    rows = pd.DataFrame(
        {
            "benchmark": ["a", "b"],
            "first": [0.6, 0.6],
            "second": [0.59, 0.5],
            "questions": [1000, np.nan],
        }
    )
    axis = plots.required_sample_sizes(rows).axes[0]
    bars = [line.get_xdata() for line in axis.lines if len(line.get_xdata()) == 2]
    assert (
        len(bars) == 2
        and all(low < high for low, high in bars)
        and bars[0][0] == pytest.approx(3.8415 * 99, rel=1e-3)
    )
    assert [
        line.get_xdata()[0] for line in axis.lines if len(line.get_xdata()) == 1
    ] == [1000]


def test_paired_differences():
    axis = plots.paired_differences({"t": {"a": (0.1, 0.0, 0.2)}}, "x").axes[0]
    assert axis.lines[1].get_xdata() == pytest.approx([0, 0.2]) and axis.lines[
        2
    ].get_xdata() == pytest.approx([0.1])
