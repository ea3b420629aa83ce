"""Figures behind a slider that needs no kernel, no widget and no other script.

Every frame is drawn beforehand and the browser only switches between them, so the
slider is alive in the built book, in Jupyter and on Colab, whose ipywidgets is old.
"""

import base64
import io
from collections.abc import Mapping
from html import escape

from matplotlib.figure import Figure
from PIL import Image

_SWITCH = (
    "const box = this.closest('.frames'), images = box.querySelectorAll('img');"
    "images.forEach((image, i) => { image.hidden = i != this.value; });"
    "const shown = images[this.value].alt;"
    "box.querySelector('b').textContent = shown;"
    "this.setAttribute('aria-valuetext', shown);"
)


class Slider:
    """Images of one size and a slider that chooses one; Jupyter shows it as HTML.

    Attributes:
        label: what the slider changes.
        frames: the label of each stop and its PNG.
    """

    def __init__(self, label: str, frames: Mapping[str, bytes]) -> None:
        self.label, self.frames = label, dict(frames)

    def _repr_html_(self) -> str:
        first, *others = (
            f'<img alt="{escape(name)}" src="data:image/png;base64,'
            f'{base64.b64encode(png).decode()}">'
            for name, png in self.frames.items()
        )
        hidden = "".join(image.replace("<img ", "<img hidden ") for image in others)
        start = escape(next(iter(self.frames)))
        return (
            "<style>.frames :is(label, input) { display: block; width: 95% }"
            ".frames input { accent-color: #d55e00 }"
            ".frames img { max-width: 100% } .frames img[hidden] { display: none }"
            f'</style><div class="frames"><label>{escape(self.label)} <b>{start}</b>'
            f'<input type="range" min="0" max="{len(others)}" value="0"'
            f' aria-valuetext="{start}" oninput="{_SWITCH}"></label>'
            f"{first}{hidden}</div>"
        )


def with_slider(figures: Mapping[str, Figure], label: str, dpi: int = 100) -> Slider:
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
    return Slider(label, {name: _png(figure, dpi) for name, figure in figures.items()})


def _png(figure: Figure, dpi: int) -> bytes:
    """A small PNG: a palette of 64 colours halves it without a visible difference."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi)
    small = io.BytesIO()
    Image.open(drawn).convert("RGB").quantize(64).save(
        small, format="png", optimize=True
    )
    return small.getvalue()
