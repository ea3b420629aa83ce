"""Costs of tokens: counted operations, and measured seconds."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from vlmcore.cost import paper_flops
from vlmcore.plots.style import legend_beside, log_ticks, panel


def prefill_cost(sizes: Mapping[str, float], tokens: np.ndarray) -> Figure:
    """The paper's cost of reading V visual tokens, a line for each language model.

    Args:
        sizes: N by the name of the model.
        tokens: values of V.
    """
    with panel(8.2, 3.6) as (figure, axis):
        for name, params in sizes.items():
            axis.plot(tokens, paper_flops(params, 0, 1) * tokens, "o-", label=name)
        log_ticks(axis, "x", tokens.tolist())
        axis.set(yscale="log", xlabel="visual tokens V", ylabel="FLOPs, 2NV")
        legend_beside(figure, axis)
    return figure


def seconds_by_tokens(tokens: np.ndarray, seconds: np.ndarray) -> Figure:
    """Measured seconds of a pass, with both sides of its roofline.

    One is the time of a single token, the other is in proportion to the tokens, through
    the last point.
    """
    with panel(7, 3.6) as (figure, axis):
        axis.plot(tokens, 1000 * seconds, "o-", label="measured")
        look = {"linestyle": "--", "linewidth": 1.2, "color": "0.5"}
        axis.axhline(1000 * seconds[0], label="the time of one token", **look)
        line = 1000 * seconds[-1] * tokens / tokens[-1]
        seen = line > 300 * seconds[0]
        axis.plot(tokens[seen], line[seen], label="in proportion to the tokens", **look)
        log_ticks(axis, "x", tokens.tolist())
        axis.set(yscale="log", xlabel="tokens in one pass", ylabel="milliseconds")
        axis.legend()
    return figure
