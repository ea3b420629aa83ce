import numpy as np
import pytest

from vlmcore.scaling import frontier


def test_the_frontier_has_no_point_that_another_beats_in_cost_and_error():
    cost, error = [3.0, 1.0, 2.0, 1.0, 4.0], [0.2, 0.5, 0.5, 0.4, 0.2]
    assert frontier(cost, error).tolist() == [3, 0]
    assert frontier([], []).tolist() == []


def test_what_has_no_frontier_is_refused():
    with pytest.raises(ValueError, match="do not belong together"):
        frontier([1, 2], [1])
    with pytest.raises(ValueError, match="not finite"):
        frontier([1.0, np.nan], [1.0, 1.0])
