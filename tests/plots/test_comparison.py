import numpy as np
import pytest

from vlmcore import plots


def test_every_seed_is_a_point_at_its_count():
    figure = plots.accuracy_by_count(
        [1, 4],
        {"three seeds": np.array([[0.9, 1.0, 0.8], [0.1, 0.2, 0.3]])},
        {"rule": [1.0, 0.2]},
        "accuracy",
    )
    points, rule = figure.axes[0].lines
    assert list(zip(points.get_xdata(), points.get_ydata(), strict=True)) == [
        (1, 0.9),
        (1, 1.0),
        (1, 0.8),
        (4, 0.1),
        (4, 0.2),
        (4, 0.3),
    ]
    assert list(rule.get_ydata()) == [1.0, 0.2] and [
        line.get_label() for line in (points, rule)
    ] == ["three seeds", "rule"]


def test_a_mean_is_one_point_a_count_and_too_few_are_refused():
    (points,) = (
        plots.accuracy_by_count([1, 2, 4], {"mean": [0.9, 0.5, 0.3]}, {}, "accuracy")
        .axes[0]
        .lines
    )
    assert list(points.get_ydata()) == [0.9, 0.5, 0.3]
    with pytest.raises(ValueError, match="mean do not have one accuracy"):
        plots.accuracy_by_count([1, 2, 4], {"mean": [0.9, 0.5]}, {}, "accuracy")
