"""The one style of every figure: colours that the colour-blind can tell apart, sizes in inches for the column of a page."""

from pathlib import Path

import matplotlib.pyplot as plt

STYLE = Path(__file__).parent / "book.mplstyle"
"""For `matplotlib.pyplot.style.context`; importing this changes nothing."""


def colours() -> list[str]:
    """The colours of the style in their order. A line's "C0" would be looked up when it is drawn, outside of the style."""
    with plt.style.context(STYLE):
        return plt.rcParams["axes.prop_cycle"].by_key()["color"]
