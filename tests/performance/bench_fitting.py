"""Fits beside other ways to the same optimum."""

from itertools import product

import numpy as np
import pandas as pd

from tests.performance.conftest import seconds, times_faster
from tests.scaling.reference_fits import (
    GRID,
    chinchilla_runs,
    multi_start,
    plain_loop,
    published_points,
    whole_grid,
)
from vlmcore.paper.refit import fit_published
from vlmcore.scaling import Additive, Product, bootstrap, fit_law

PUBLISHED_SHARE = 0.2
"""Of the nodes, drawn at random by the published search."""
TIMED = 1_000
"""Nodes of the plain loop that are timed; the rest is extrapolated."""


def bench_one_fit(record):
    points = published_points()

    def own():
        fit_law(Product, *points, allow_bound=True)

    record("fit: whole grid / fit", times_faster(own, lambda: whole_grid(points), 3))
    record("fit: 20 starts / fit", times_faster(own, lambda: multi_start(points), 3))
    rng = np.random.default_rng(0)
    nodes = np.stack([rng.choice(axis, TIMED) for axis in GRID.values()], 1)
    searched = np.prod([len(axis) for axis in GRID.values()]) * PUBLISHED_SHARE
    loop = times_faster(own, lambda: plain_loop(points, nodes), 3) * searched / TIMED
    record("fit: published search / fit", loop)


def bench_refits_beside_single_fits(record):
    found, points = fit_published("visual"), published_points()
    ratio = times_faster(
        lambda: bootstrap(found, count=1_000),
        lambda: [fit_law(Product, *points, allow_bound=True) for _ in range(10)],
        rounds=3,
    )
    record("bootstrap: single fits / refits", ratio * 1_000 / 10)


def bench_a_fit_beside_chinchilla_of_pypi(record, tmp_path):
    """A part of its starts, around its solution, not in parallel."""
    from chinchilla import Chinchilla

    N, D, loss = chinchilla_runs()
    table = pd.DataFrame({"C": 6 * N * D, "N": N, "D": D, "loss": loss})
    table.to_csv(tmp_path / "df.csv", index=False)
    ends = {"E": (1, 2), "a": (1, 10), "b": (1, 10), "alpha": (0.1, 0.7)}
    whole = {name: np.linspace(*end, 5) for name, end in ends.items()}
    whole["beta"] = whole["alpha"]
    part = {
        name: axis[3:4] if name == "E" else axis[1:3] for name, axis in whole.items()
    }
    share = len(list(product(*part.values()))) / 5 ** len(whole)
    theirs = Chinchilla(f"{tmp_path}", param_grid=part, log_level=50)
    own = seconds(lambda: fit_law(Additive, N, D, loss, loss="floor", shares=False))
    their = seconds(lambda: theirs.fit(parallel=False)) / share
    record("fit: chinchilla / fit", their / own)
