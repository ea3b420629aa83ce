"""The one style of every figure: colours that the colour-blind can tell apart, sizes in inches for the column of a page."""

from pathlib import Path

STYLE = Path(__file__).parent / "book.mplstyle"
"""For `matplotlib.pyplot.style.context`; importing this changes nothing."""
