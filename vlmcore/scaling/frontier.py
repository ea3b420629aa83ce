"""The frontier of measured models, before any law is fitted to them."""

import numpy as np
from numpy.typing import ArrayLike


def frontier(cost: ArrayLike, error: ArrayLike) -> np.ndarray:
    """The models that no model of at most the same cost beats.

    Args:
        cost: float (n,), in any unit.
        error: float (n,)

    Returns:
        int, indices of the models on the frontier, cheapest first. Of models with the
        same cost and error the first is kept.

    Raises:
        ValueError: the two differ in length, or a value is not finite.

    Example:
        >>> frontier([1.0, 2.0, 3.0], [0.5, 0.6, 0.4]).tolist()
        [0, 2]
    """
    cost, error = np.asarray(cost, float), np.asarray(error, float)
    if cost.shape != error.shape or cost.ndim != 1:
        raise ValueError(
            f"{cost.shape} costs and {error.shape} errors do not belong together; "
            "give one of each for every model"
        )
    if not (np.isfinite(cost).all() and np.isfinite(error).all()):
        raise ValueError(
            "a cost or an error is not finite; leave models without a measurement out"
        )
    order = np.lexsort((error, cost))
    best = np.minimum.accumulate(error[order])
    return (
        order[np.concatenate([[True], error[order][1:] < best[:-1]])]
        if len(order)
        else order
    )
