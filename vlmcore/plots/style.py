"""The one style of every figure: colours for the colour-blind, sizes for a page."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import ColorType
from numpy.typing import ArrayLike

_STYLE = Path(__file__).parent / "book.mplstyle"
"""For `matplotlib.pyplot.style.context`; importing this changes nothing."""

_UNITS = ((1e8, 1e9, "B"), (1e6, 1e6, "M"), (1e3, 1e3, "k"), (0, 1, ""))
"""From how many parameters on a model is counted in a unit, and the unit."""


@contextmanager
def panels(
    rows: int = 1, columns: int = 1, **options: Any
) -> Iterator[tuple[Figure, np.ndarray]]:
    """A figure in the book's style with its axes, closed in pyplot at the end."""
    with plt.style.context(_STYLE):
        figure, axes = plt.subplots(rows, columns, squeeze=False, **options)
        yield figure, axes
    plt.close(figure)


@contextmanager
def panel(width: float, height: float) -> Iterator[tuple[Figure, Any]]:
    """A figure in the book's style with one axes."""
    with panels(figsize=(width, height)) as (figure, axes):
        yield figure, axes[0, 0]


def size_name(params: float) -> str:
    """The name of a language model with so many parameters in a legend.

    Example:
        >>> [size_name(n) for n in (24_672, 384_480, 1_053_808, 0.5e9)]
        ['24.7k', '384k', '1.05M', '0.5B']
    """
    unit, letter = next(
        (unit, letter) for least, unit, letter in _UNITS if params >= least
    )
    return f"{params / unit:.3g}{letter}"


def colours() -> list[str]:
    """The colours of the style in their order.

    A line's "C0" would be looked up when it is drawn, outside of the style.
    """
    with plt.style.context(_STYLE):
        return plt.rcParams["axes.prop_cycle"].by_key()["color"]


def log_ticks(axis: Axes, side: Literal["x", "y"], values: Sequence[float]) -> None:
    """Makes a side logarithmic, with these ticks and no minor ones."""
    labels = [f"{value:g}" for value in values]
    axis.set(
        **{f"{side}scale": "log", f"{side}ticks": values, f"{side}ticklabels": labels}
    )
    axis.minorticks_off()


def name_rows(axis: Axes, labels: Sequence[str]) -> None:
    """Names rows from the top down."""
    axis.set_yticks(range(len(labels)), labels)
    axis.invert_yaxis()


def legend_beside(figure: Figure, axis: Axes, title: str | None = None) -> None:
    """A legend of one axes to the right of all."""
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", title=title)


def spans(axis: Axes, values: Sequence[Any], y: float, **options: Any) -> None:
    """An interval across at the height `y`: values are estimate, low and high."""
    value, low, high = values
    if low is not None and high is not None and np.isfinite([low, high]).all():
        axis.plot([low, high], [y, y], **options)
    axis.plot(value, y, "o", color=options["color"])


def whiskers(axis: Axes, x: ArrayLike, rows: pd.DataFrame, colour: ColorType) -> None:
    """Standard errors of the column `error`, where they are known."""
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
