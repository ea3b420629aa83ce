"""Figures behind a slider that works in a page without a kernel.

Every frame is drawn beforehand; the browser only switches between them.
"""

import io
from collections.abc import Mapping

import ipywidgets
from matplotlib.figure import Figure
from PIL import Image


def with_slider(
    figures: Mapping[str, Figure], label: str, dpi: int = 100
) -> ipywidgets.VBox:
    """A slider over figures of one size.

    Args:
        figures: the label of each stop and its figure; about 15 at most, to keep the
            page light.
        label: what the slider changes.
        dpi: resolution of the frames.

    Raises:
        ValueError: there is no figure.
    """
    if not figures:
        raise ValueError("there is no figure to show; give at least one")
    images = [
        ipywidgets.Image(
            value=_png(figure, dpi), format="png", layout={"max_width": "100%"}
        )
        for figure in figures.values()
    ]
    stack = ipywidgets.Stack(images, selected_index=0)
    slider = ipywidgets.SelectionSlider(options=list(figures), description=label)
    slider.layout.width, slider.style.description_width = "95%", "initial"
    ipywidgets.jslink((slider, "index"), (stack, "selected_index"))
    return ipywidgets.VBox([slider, stack])


def _png(figure: Figure, dpi: int) -> bytes:
    """A small PNG: a palette of 64 colours halves it without a visible difference."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi)
    small = io.BytesIO()
    Image.open(drawn).convert("RGB").quantize(64).save(
        small, format="png", optimize=True
    )
    return small.getvalue()
