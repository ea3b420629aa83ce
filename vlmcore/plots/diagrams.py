"""Block diagrams: modules as boxes, tensors on the arrows between them.

A diagram is drawn in the colours of the page around it, light or dark, and every size
in it comes from a config.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Literal, NamedTuple

from vlmcore.config import LanguageConfig, VisionConfig, VLMConfig
from vlmcore.plots.style import size_name

Kind = Literal["data", "frozen", "trained", "step"]
"""Inputs and outputs, modules by whether they are trained, and other operations."""

_FILLS: dict[Kind, str] = {
    "data": "none",
    "frozen": "#0072b2",
    "trained": "#d55e00",
    "step": "#888888",
}
_NAMES: dict[Kind, str] = {"frozen": "frozen", "trained": "trained"}
_WIDTH, _HEIGHT, _COLUMN, _ROW, _MARGIN = 158, 48, 190, 92, 14


class Block(NamedTuple):
    """A box of a diagram."""

    column: float
    row: float
    label: str
    note: str = ""
    """A second, smaller line."""
    kind: Kind = "step"


class Diagram(NamedTuple):
    """Boxes by name, and arrows between them with what they carry."""

    blocks: Mapping[str, Block]
    arrows: Sequence[tuple[str, str, str]]
    """Names of two boxes and a label."""
    description: str
    """The whole in words, for those who do not see it."""

    def _repr_html_(self) -> str:
        """The diagram as notebooks show it."""
        columns = [block.column for block in self.blocks.values()]
        rows = [block.row for block in self.blocks.values()]
        kinds = dict.fromkeys(b.kind for b in self.blocks.values() if b.kind in _NAMES)
        width = (max(columns) - min(columns)) * _COLUMN + _WIDTH + 2 * _MARGIN
        bottom = max(rows) * _ROW + _HEIGHT + 2 * _MARGIN
        parts = [self._arrow(*arrow) for arrow in self.arrows]
        parts += [_box(block) for block in self.blocks.values()]
        left = min(columns) * _COLUMN
        keys = enumerate(kinds)
        parts += [_legend(kind, left + _MARGIN + 90 * i, bottom) for i, kind in keys]
        return (
            f'<svg class="diagram" role="img" aria-label="{escape(self.description)}" '
            f'viewBox="{left:g} 0 {width:g} {bottom + 22 * bool(kinds):g}" '
            'fill="currentColor" style="display: block; margin: auto; width: 100%; '
            f'max-width: {width:g}px; font-family: inherit">'
            f"{_HEAD}{''.join(parts)}</svg>"
        )

    def _arrow(self, start: str, end: str, label: str) -> str:
        """An arrow down from the lower edge of a box, or to the side."""
        one, other = self.blocks[start], self.blocks[end]
        (x0, y0), (x1, y1) = _centre(one), _centre(other)
        if one.row == other.row:
            out = _WIDTH / 2 if x1 > x0 else -_WIDTH / 2
            x0, x1 = x0 + out, x1 - out
        else:
            down = _HEIGHT / 2 if y1 > y0 else -_HEIGHT / 2
            y0, y1 = y0 + down, y1 - down
        # beside and below the middle of a slanted arrow there is room
        side, anchor = (-7, "end") if x1 > x0 else (7, "start")
        below = 4 if x0 == x1 else 14
        return (
            f'<line x1="{x0:g}" y1="{y0:g}" x2="{x1:g}" y2="{y1:g}" '
            'stroke="currentColor" marker-end="url(#arrow)"/>'
            + _text((x0 + x1) / 2 + side, (y0 + y1) / 2 + below, label, 12, anchor)
        )


_HEAD = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
    'markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="currentColor"/>'
    "</marker></defs>"
)


def _centre(block: Block) -> tuple[float, float]:
    x = block.column * _COLUMN + _WIDTH / 2 + _MARGIN
    return x, block.row * _ROW + _HEIGHT / 2 + _MARGIN


def _box(block: Block) -> str:
    x, y = _centre(block)
    dashes = ' stroke-dasharray="4 3"' if block.kind == "data" else ""
    lines = [_text(x, y + (-3 if block.note else 5), block.label, 15, "middle")]
    if block.note:
        lines.append(_text(x, y + 15, block.note, 12, "middle"))
    return (
        f'<rect x="{x - _WIDTH / 2:g}" y="{y - _HEIGHT / 2:g}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" rx="6" fill="{_FILLS[block.kind]}" fill-opacity="0.2" '
        f'stroke="currentColor"{dashes}/>' + "".join(lines)
    )


def _legend(kind: Kind, x: float, y: float) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="14" height="14" rx="3" '
        f'fill="{_FILLS[kind]}" fill-opacity="0.2" stroke="currentColor"/>'
        + _text(x + 20, y + 12, _NAMES[kind], 12, "start")
    )


def _text(x: float, y: float, text: str, size: int, anchor: str) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def whole_model(config: VLMConfig, params: float) -> Diagram:
    """A vision-language model from image and question to the answer.

    Args:
        config: the model.
        params: N, parameters of the language model.
    """
    vision, v, e = config.vision, config.visual_tokens, config.language.width
    side, d = vision.image_size, vision.width
    blocks = {
        "image": Block(0, 0, "image", f"3 × {side} × {side}", "data"),
        "question": Block(1, 0, "question", "Q tokens", "data"),
        "encoder": Block(0, 1, "vision encoder", f"{vision.depth} layers", "frozen"),
        "embedding": Block(1, 2, "embedding table", f"Q × {e}", "trained"),
        "compressor": Block(0, 2, "compressor", f"to V = {v}", "trained"),
        "splice": Block(0.5, 3, "splice", f"(V + Q) × {e}"),
        "language": Block(
            0.5, 4, "language model", f"N = {size_name(params)}", "trained"
        ),
        "answer": Block(0.5, 5, "answer", "token by token", "data"),
    }
    arrows = [
        ("image", "encoder", "pixels"),
        ("encoder", "compressor", f"{vision.patches} × {d}"),
        ("question", "embedding", "numbers"),
        ("compressor", "splice", f"{v} × {e}"),
        ("embedding", "splice", ""),
        ("splice", "language", ""),
        ("language", "answer", ""),
    ]
    return Diagram(
        blocks,
        arrows,
        f"The image goes through a frozen vision encoder, which gives {vision.patches} "
        f"patch features, and a compressor, which makes {v} visual tokens of them. The "
        "question goes through the embedding table. Both are spliced into one sequence "
        "for the language model, which generates the answer.",
    )


def encoder_layers(config: VisionConfig) -> Diagram:
    """A vision transformer from pixels to patch features."""
    p, d, size = config.patches, config.width, config.patch_size
    image = f"3 × {config.image_size} × {config.image_size}"
    blocks = {
        "image": Block(0, 0, "image", image, "data"),
        "patches": Block(0, 1, "cut into patches", f"{size} × {size} pixels each"),
        "embed": Block(0, 2, "patch embedding", "one linear map", "frozen"),
        "position": Block(1, 3, "positions, CLS", "learned vectors", "frozen"),
        "add": Block(0, 3, "add and prepend"),
        "layers": Block(0, 4, f"{config.depth} layers", "attention, MLP", "frozen"),
        "features": Block(0, 5, "patch features", f"{p} × {d}", "data"),
        "cls": Block(1, 5, "CLS feature", f"1 × {d}", "data"),
    }
    arrows = [
        ("image", "patches", ""),
        ("patches", "embed", f"{p} × {3 * size**2}"),
        ("embed", "add", f"{p} × {d}"),
        ("position", "add", ""),
        ("add", "layers", f"{p + 1} × {d}"),
        ("layers", "features", ""),
        ("layers", "cls", ""),
    ]
    return Diagram(
        blocks,
        arrows,
        f"The image is cut into {p} patches. One linear map turns each into a vector "
        f"of {d} numbers; learned position vectors are added, and a CLS vector is put "
        f"before them. {config.depth} transformer layers follow.",
    )


def decoder_layers(config: LanguageConfig) -> Diagram:
    """A causal language model from embeddings to the scores of the next token."""
    e, vocabulary = config.width, config.vocab_size
    blocks = {
        "prefix": Block(0, 0, "visual tokens", f"V × {e}", "data"),
        "text": Block(1, 0, "word embeddings", f"Q × {e}", "data"),
        "attention": Block(0.5, 1, "self-attention", "to earlier tokens only"),
        "mlp": Block(0.5, 2, "gated MLP", f"{e} → {config.mlp_width} → {e}"),
        "hidden": Block(0.5, 3, "last hidden states", f"(V + Q) × {e}", "data"),
        "head": Block(0.5, 4, "output head", f"{e} → {vocabulary}"),
        "next": Block(0.5, 5, "next token", f"{vocabulary} scores", "data"),
    }
    arrows = [
        ("prefix", "attention", ""),
        ("text", "attention", ""),
        ("attention", "mlp", ""),
        ("mlp", "hidden", f"after {config.depth} such layers"),
        ("hidden", "head", "the last one"),
        ("head", "next", ""),
    ]
    return Diagram(
        blocks,
        arrows,
        "Visual tokens and word embeddings form one sequence. Each of "
        f"{config.depth} layers has self-attention to earlier tokens and a gated MLP. "
        "The output head turns the last hidden state into scores of the next token.",
    )
