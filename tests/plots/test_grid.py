import numpy as np
import pandas as pd

from tests.plots.artists import lines, ys
from vlmcore import plots


def test_bounds_are_drawn_beside_errors():
    errors = pd.DataFrame([[0.6, 0.3], [0.5, 0.1]], [25_000, 1_000_000], [1, 4])
    bound = pd.Series({1: 0.4, 4: 0.1})
    axis = plots.errors_and_bounds({"a": errors}, {"a": bound}).axes[0]
    assert ys(axis) == [[0.6, 0.3], [0.5, 0.1], [0.4, 0.1]]
    assert list(lines(axis)) == ["25k", "1M", "without N"]


def test_errors_are_averaged_by_exposures():
    exposed = np.array([1, 3, 10, 30])
    wrong = {25_000: np.array([1, 1, 1, 0.0]), 1_000_000: np.array([1, 0, 0, 0.0])}
    axis = plots.error_by_exposures(exposed, wrong, (1, 5, 20, 50)).axes[0]
    assert ys(axis)[:2] == [[1, 1, 0], [0.5, 0, 0]]
