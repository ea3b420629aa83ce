import numpy as np
import pandas as pd
import pytest

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


def test_a_rung_ends_at_its_score_and_its_interval_is_drawn(table):
    a, b = plots.baseline_scores(table).axes
    assert [bar.get_width() for bar in a.patches] == [0.5, 0.7] and [
        bar.get_width() for bar in b.patches
    ] == [0.2]
    drawn = [line.get_xdata() for line in a.lines]
    assert [0.6, 0.8] in [list(x) for x in drawn] and not any(
        np.isnan(x).any() for x in drawn
    )
    assert (a.get_title("left"), b.get_title("left")) == ("a", "b")


def test_rungs_keep_their_places_where_one_is_missing(table):
    axis = plots.baseline_scores(
        table, baselines=("chance", "question only", "blind")
    ).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == [
        "chance",
        "question only",
        "blind",
    ]
    assert [
        bar.get_y() + bar.get_height() / 2 for bar in axis.patches
    ] == pytest.approx([0, 2])
    with pytest.raises(ValueError, match="not among the baselines chance"):
        plots.baseline_scores(table, baselines=("chance",))


def test_points_and_the_lines_fitted_to_them():
    N, V = (values.ravel() for values in np.meshgrid([1e5, 2e5, 4e5], [1, 4, 16]))
    law = fit_law(
        Product,
        N,
        V,
        Product(0.4, 0.3, 0.1, 0.0, unit=1e5).predict(N, V),
        fixed={"D": 0.0},
        unit=1e5,
    )
    axis = plots.fits_by_size({"planted": law}).axes[0]
    points, line = axis.lines[0], axis.lines[1]
    assert points.get_ydata()[0] == pytest.approx(0.4) and line.get_ydata()[
        0
    ] == pytest.approx(0.4)
    assert len(axis.lines) == 2 * 3 and axis.get_title("left") == "planted"
