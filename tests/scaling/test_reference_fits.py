"""No other way to fit finds less than `fit_law` does."""

import numpy as np
import pytest

from tests.scaling.reference_fits import (
    GRID,
    chinchilla_runs,
    multi_start,
    plain_loop,
    published_points,
    whole_grid,
)
from vlmcore import paper
from vlmcore.paper.refit import fit_published
from vlmcore.scaling import Additive, fit_law


@pytest.mark.slow
def test_no_node_of_the_published_grid_and_no_start_of_scipy_is_better():
    points, found = published_points(), fit_published("visual")
    nodes = whole_grid(points)
    assert nodes.size == 5_000_000
    drawn = paper.laws().loc["drawn"]
    node = {
        name: axis[np.abs(axis - drawn[name]).argmin()] for name, axis in GRID.items()
    }
    assert node == pytest.approx(drawn.to_dict(), abs=1e-4), "drawn is a node"
    assert np.abs(nodes - plain_loop(points, [list(node.values())])).min() < 1e-12
    assert found.sse <= nodes.min() and found.sse <= multi_start(points) * (1 + 1e-9)


def test_no_loss_is_left_at_the_parameters_that_chinchilla_prints():
    """The loss is that of PyPI's chinchilla: predicting too much costs ten times."""
    N, D, loss = chinchilla_runs()
    readme = (
        1.7004437920205586
        + 185.388090185727 / N**0.28923265350161337
        + 1627.0012474587165 / D**0.3556020928031086
    )

    def left(predicted):
        residual = loss - predicted
        return np.where(residual < 0, -10 * residual, residual).mean()

    own = fit_law(Additive, N, D, loss, loss="floor", shares=False)
    assert left(own.predicted) <= left(readme)
