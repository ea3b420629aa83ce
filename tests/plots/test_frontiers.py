from itertools import combinations

import numpy as np
import pytest

from tests.plots.artists import lines, texts
from vlmcore import paper, plots
from vlmcore.scaling import frontier


def points(axis):
    """How many points of models are drawn."""
    drawn = lines(axis).items()
    return sum(len(line.get_xdata()) for name, line in drawn if name.endswith("B"))


def test_every_point_is_drawn_and_the_measured_frontier_labelled(scores):
    axis = plots.measured_frontier(scores, [0]).axes[0]
    drawn = lines(axis)
    assert points(axis) == 28 and len(drawn["frontier"].get_xdata()) == 10
    x, y = drawn["7B"].get_data()
    assert x[0] == 2 * 7e9 * 1 and y[0] == pytest.approx(1 - 0.4810)
    assert " ".join(texts(axis.texts)) == "1 1 1 1 4 16 36 64 144 576"


def test_numbers_of_tokens_do_not_lie_on_each_other():
    figure = plots.measured_frontier(paper.scores("ocr"))
    figure.draw_without_rendering()
    for axis in figure.axes[:2]:
        boxes = [text.get_window_extent().padded(-1) for text in axis.texts]
        assert len(boxes) > 5
        assert not any(one.overlaps(two) for one, two in combinations(boxes, 2))


def test_the_best_points_are_ringed_and_the_fitted_frontier_is_the_law_s(scores, law):
    axis = plots.fitted_frontier(scores, law.law, [50]).axes[0]
    drawn = lines(axis)
    assert points(axis) == 28
    flops = 2 * scores["params"] * (50 + scores["visual_tokens"])
    rings = flops.iloc[frontier(flops, scores["error"])]
    assert sorted(drawn["frontier, measured"].get_xdata()) == sorted(rings)
    x, y = (np.asarray(each) for each in drawn["frontier of the law"].get_data())
    # where N is bound by neither end
    free = (x > 2 * 5e8 * (50 + 14)) & (x < 2 * 7e9 * (50 + 13))
    assert free.sum() > 50
    best = law.law.frontier(x[free], 50)["error"]
    np.testing.assert_allclose(y[free], best, atol=1e-5)
    assert (np.diff(y) <= 0).all()
    assert y[-1] == pytest.approx(law.law.predict(7e9, 576), abs=1e-3)
