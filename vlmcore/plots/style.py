"""The one style of every figure: colours that the colour-blind can tell apart, sizes in inches for the column of a page."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.typing import ColorType
from numpy.typing import ArrayLike

STYLE = Path(__file__).parent / "book.mplstyle"
"""For `matplotlib.pyplot.style.context`; importing this changes nothing."""


_UNITS = ((1e8, 1e9, "B"), (1e6, 1e6, "M"), (1e3, 1e3, "k"), (0, 1, ""))
"""From how many parameters on a model is counted in a unit, and the unit."""


def size_name(params: float) -> str:
    """What a language model of so many parameters is called in a legend.

    Example:
        >>> [size_name(n) for n in (24_672, 384_480, 1_053_808, 0.5e9)]
        ['24.7k', '384k', '1.05M', '0.5B']
    """
    unit, letter = next(
        (unit, letter) for least, unit, letter in _UNITS if params >= least
    )
    return f"{params / unit:.3g}{letter}"


def colours() -> list[str]:
    """The colours of the style in their order. A line's "C0" would be looked up when it is drawn, outside of the style."""
    with plt.style.context(STYLE):
        return plt.rcParams["axes.prop_cycle"].by_key()["color"]


def whiskers(axis: Axes, x: ArrayLike, rows: pd.DataFrame, colour: ColorType) -> None:
    """Standard errors of the errors of some models, where they are known."""
    if "standard_error" in rows:
        axis.errorbar(
            x,
            rows["error"],
            rows["standard_error"],
            fmt="none",
            ecolor=colour,
            elinewidth=1,
            capsize=2,
        )
