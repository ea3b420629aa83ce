import numpy as np
import pandas as pd
import pytest

from tests.plots.artists import texts, xs, ys
from vlmcore import plots
from vlmcore.scaling import Product, fit_law


@pytest.fixture
def table():
    rows = [
        ("chance", "a", 0.5, np.nan, np.nan),
        ("blind", "a", 0.7, 0.6, 0.8),
        ("chance", "b", 0.2, np.nan, np.nan),
    ]
    return pd.DataFrame(rows, columns=["baseline", "kind", "value", "low", "high"])


def test_a_bar_ends_at_its_score_and_its_interval_is_drawn(table):
    a, b = plots.baseline_scores(table).axes
    assert [bar.get_width() for bar in a.patches] == [0.5, 0.7]
    assert [bar.get_width() for bar in b.patches] == [0.2]
    assert [0.6, 0.8] in xs(a) and not any(np.isnan(x).any() for x in xs(a))
    assert (a.get_title("left"), b.get_title("left")) == ("a", "b")


def test_rows_keep_their_positions_where_one_is_missing(table):
    names = ("chance", "question only", "blind")
    axis = plots.baseline_scores(table, baselines=names).axes[0]
    assert texts(axis.get_yticklabels()) == list(names)
    assert [bar.get_y() + 0.31 for bar in axis.patches] == pytest.approx([0, 2])
    with pytest.raises(ValueError, match="not among the baselines chance"):
        plots.baseline_scores(table, baselines=("chance",))


def test_points_and_the_lines_fitted_to_them():
    N, V = (values.ravel() for values in np.meshgrid([1e5, 2e5, 4e5], [1, 4, 16]))
    error = Product(0.4, 0.3, 0.1, 0.0, unit=1e5).predict(N, V)
    law = fit_law(Product, N, V, error, fixed={"D": 0.0}, unit=1e5)
    axis = plots.fits_by_size({"planted": law}).axes[0]
    points, line, *_ = ys(axis)
    assert points[0] == pytest.approx(0.4) and line[0] == pytest.approx(0.4)
    assert len(axis.lines) == 2 * 3 and axis.get_title("left") == "planted"
