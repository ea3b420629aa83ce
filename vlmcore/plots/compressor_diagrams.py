"""Block diagrams of the compressors, one a method; every size is the config's."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from vlmcore.config import (
    M3Config,
    MLPConfig,
    MQTConfig,
    PoolConfig,
    PruMergeConfig,
    PruMergePlusConfig,
    QueCCConfig,
    TokenPackerConfig,
    VLMConfig,
)
from vlmcore.plots.diagrams import Block, Diagram, Kind

Step = tuple[str, str, Kind]
"""Label, note and kind of a box in a column of boxes."""
Parts = tuple[dict[str, Block], list[tuple[str, str, str]]]
"""Boxes and arrows of a part of a diagram."""

_PATCHES: Step = ("patch features", "of the last layer read", "data")
_PROJECTOR: Step = ("projector", "Linear, GELU, Linear", "trained")


def compressor(config: VLMConfig) -> Diagram:
    """The compressor of a model, from the features of its patches to visual tokens.

    Raises:
        ValueError: the model has none.
    """
    match config.compressor:
        case MLPConfig() | PoolConfig() | M3Config():
            return _averaging(config)
        case MQTConfig():
            return _mqt(config, config.compressor)
        case TokenPackerConfig():
            return _tokenpacker(config, config.compressor)
        case QueCCConfig():
            return _quecc(config, config.compressor)
        case PruMergeConfig() | PruMergePlusConfig():
            return _prumerge(config, config.compressor)
    raise ValueError(
        f"there is no diagram of {config.compressor!r}; give a model with one of the "
        "compressors of vlmcore.config"
    )


def beside(*diagrams: Diagram) -> Diagram:
    """Several diagrams as one, side by side."""
    blocks, arrows, left = {}, [], 0.0
    for i, diagram in enumerate(diagrams):
        columns = [block.column for block in diagram.blocks.values()]
        shift = left - min(columns)
        for name, block in diagram.blocks.items():
            blocks[f"{i} {name}"] = block._replace(column=block.column + shift)
        arrows += [(f"{i} {a}", f"{i} {b}", label) for a, b, label in diagram.arrows]
        left += max(columns) - min(columns) + 1
    return Diagram(blocks, arrows, " ".join(d.description for d in diagrams))


def _down(column: float, steps: Mapping[str, Step], shapes: Sequence[str]) -> Parts:
    """A column of boxes from the first row on, and the shapes between them."""
    blocks = {
        name: Block(column, row, *step)
        for row, (name, step) in enumerate(steps.items())
    }
    between = zip(pairwise(steps), shapes, strict=True)
    return blocks, [(above, below, shape) for (above, below), shape in between]


def _sizes(config: VLMConfig) -> tuple[str, str, str]:
    """Shapes of all patches, of V tokens before the projector, of visual tokens."""
    d, v = config.vision.width, config.visual_tokens
    tokens = f"{v} × {config.language.width}"
    return f"{config.vision.patches} × {d}", f"{v} × {d}", tokens


def _cell(config: VLMConfig) -> str:
    """The square of patches that becomes one token."""
    side = config.vision.side // math.isqrt(config.visual_tokens)
    return f"{side} × {side}"


def _averaging(config: VLMConfig) -> Diagram:
    """The projector alone, after the means of cells, or before them."""
    patches, pooled, tokens = _sizes(config)
    p, cell = config.vision.patches, _cell(config)
    steps: dict[str, Step] = {"patches": _PATCHES, "projector": _PROJECTOR}
    shapes, name = [patches, tokens], "no compression"
    text = f"Without compression the projector maps each of {p} patches to a token."
    if isinstance(config.compressor, PoolConfig):
        mean: Step = ("mean of each cell", f"{cell} patches", "step")
        steps = {"patches": _PATCHES, "mean": mean, "projector": _PROJECTOR}
        shapes, name = [patches, pooled, tokens], "pooling"
        text = f"Pooling averages cells of {cell} patches and projects the means."
    if isinstance(config.compressor, M3Config):
        steps["mean"] = ("mean of each cell", f"{cell} tokens", "step")
        shapes, name = [patches, f"{p} × {config.language.width}", tokens], "M3"
        text = f"M3 projects {p} patches and averages cells of {cell} of the results."
    steps["tokens"] = ("visual tokens", name, "data")
    return Diagram(*_down(0, steps, shapes), text)


def _mqt(config: VLMConfig, method: MQTConfig) -> Diagram:
    patches, queries, tokens = _sizes(config)
    first = f"first {config.visual_tokens} of {method.queries}"
    heads = f"{method.heads} heads"
    features = " and features" * method.content_keys
    blocks = {
        "learned": Block(0, 0, "learned queries", first, "trained"),
        "positions": Block(1, 0, "patch positions", "sines and cosines"),
        "patches": Block(2, 0, *_PATCHES),
        "query": Block(0, 1, "add position, norm", "queries", "trained"),
        "key": Block(1, 1, "norm", f"keys: positions{features}", "trained"),
        "value": Block(2, 1, "norm", "values: features", "trained"),
        "attention": Block(1, 2, "cross-attention", heads, "trained"),
        "projection": Block(1, 3, "one matrix", "", "trained"),
        "tokens": Block(1, 4, "visual tokens", "MQT", "data"),
    }
    arrows = [
        ("learned", "query", queries),
        ("positions", "key", patches),
        ("patches", "value", patches),
        ("query", "attention", ""),
        ("key", "attention", ""),
        ("value", "attention", ""),
        ("attention", "projection", queries),
        ("projection", "tokens", tokens),
    ]
    if method.content_keys:
        arrows.append(("patches", "key", ""))
    return Diagram(
        blocks,
        arrows,
        f"MQT takes the {first} learned queries. They attend to all patches: keys are "
        f"the positions{features} of the patches, values their features. One matrix "
        "makes visual tokens of the result.",
    )


def _region_attention(config: VLMConfig, heads: int, name: str, row: float) -> Parts:
    """Keys and values of all layers, attention in a row, and the projector."""
    patches, queries, tokens = _sizes(config)
    layers = config.vision.layers
    concatenated = f"{config.vision.patches} × {len(layers) * config.vision.width}"
    listed = ", ".join(map(str, layers))
    notes = f"{heads} heads, {_cell(config)} keys"
    blocks = {
        "layers": Block(2.5, row - 3, "layers, joined", listed, "data"),
        "key": Block(2, row - 1.5, "MLP, norm", "keys", "trained"),
        "value": Block(3, row - 1.5, "MLP, norm", "values", "trained"),
        "attention": Block(2, row, "region attention", notes, "trained"),
        "projector": Block(2, row + 1, *_PROJECTOR),
        "tokens": Block(2, row + 2, "visual tokens", name, "data"),
    }
    arrows = [
        ("layers", "key", concatenated),
        ("layers", "value", ""),
        ("key", "attention", patches),
        ("value", "attention", ""),
        ("attention", "projector", queries),
        ("projector", "tokens", tokens),
    ]
    return blocks, arrows


def _tokenpacker(config: VLMConfig, method: TokenPackerConfig) -> Diagram:
    patches, queries, _ = _sizes(config)
    side = math.isqrt(config.visual_tokens)
    attention, further = _region_attention(config, method.heads, "TokenPacker", 3)
    steps: dict[str, Step] = {
        "patches": _PATCHES,
        "resize": (f"resize to {side} × {side}", "bilinear", "step"),
        "query": ("matrix, norm", "queries", "trained"),
    }
    blocks, arrows = _down(1, steps, [patches, queries])
    return Diagram(
        blocks | attention,
        [*arrows, ("query", "attention", queries), *further],
        f"TokenPacker resizes the patches to {side} by {side}; a matrix and a norm "
        "make queries of them. Keys and values come from several layers. Each query "
        f"attends to the {_cell(config)} patches of its region alone, and a projector "
        "makes visual tokens.",
    )


def _quecc(config: VLMConfig, method: QueCCConfig) -> Diagram:
    if not all((method.nonlinear_query, method.learned_downsampling)):
        raise ValueError(
            f"there is no diagram of the ablation {method.label}; give QueCC with a "
            "non-linear query and learned down-sampling"
        )
    patches, queries, _ = _sizes(config)
    e, d, cell = config.language.width, config.vision.width, _cell(config)
    attention, further = _region_attention(config, method.heads, "QueCC", 4)
    steps: dict[str, Step] = {
        "patches": _PATCHES,
        "add": ("add", "to every patch", "step"),
        "query": ("MLP, norm", "one query a patch", "trained"),
        "convolution": ("convolution", f"{cell}, depth-wise", "trained"),
    }
    blocks, arrows = _down(1, steps, [patches] * 3)
    blocks["question"] = Block(0, 0, "question's state", "last, last layer", "data")
    blocks["map"] = Block(0, 1, "matrix, norm", "", "trained")
    arrows += [("question", "map", f"1 × {e}"), ("map", "add", "")]
    return Diagram(
        blocks | attention,
        [*arrows, ("convolution", "attention", queries), *further],
        f"QueCC: the state of the question, {e} numbers from the language model, is "
        f"mapped to {d} and added to every patch. An MLP makes a query of each patch, "
        f"and a depth-wise convolution one of each region of {cell} patches. It "
        "attends to the patches of its region, with keys and values from several "
        "layers, and a projector makes visual tokens.",
    )


def _prumerge(
    config: VLMConfig, method: PruMergeConfig | PruMergePlusConfig
) -> Diagram:
    patches, merged, tokens = _sizes(config)
    p, kept = config.vision.patches, config.visual_tokens - 1
    spaced = 0
    if isinstance(method, PruMergePlusConfig):
        spaced = kept // 2
    elif method.plus:
        spaced = kept - math.ceil(kept / 4)
    others = f"and {spaced} evenly spaced" if spaced else "prune the others"
    near = f"{min(method.neighbours, p - 1)} nearest"
    blocks = {
        "attention": Block(0, 0, "CLS attention", "of the last layer", "data"),
        "patches": Block(1, 0, *_PATCHES),
        "keys": Block(2, 0, "encoder's keys", "of the last layer", "data"),
        "keep": Block(0, 1, f"keep the {kept - spaced} largest", others),
        "near": Block(2, 1, near, "of each kept patch"),
        "sums": Block(1, 2, "weighted sums", "each kept one, the rest"),
        "projector": Block(1, 3, "projector", _PROJECTOR[1], "frozen"),
        "tokens": Block(1, 4, "visual tokens", "PruMerge" + "+" * bool(spaced), "data"),
    }
    arrows = [
        ("attention", "keep", f"1 × {p}"),
        ("keys", "near", patches),
        ("patches", "sums", patches),
        ("keep", "sums", ""),
        ("near", "sums", ""),
        ("sums", "projector", merged),
        ("projector", "tokens", tokens),
    ]
    return Diagram(
        blocks,
        arrows,
        f"PruMerge keeps the {kept - spaced} patches to which the CLS token attends "
        f"most{f' and {spaced} evenly spaced ones' * bool(spaced)}. Each is summed "
        "with its nearest neighbours, weighted by attention; one more token is the "
        "weighted sum of all others. The projector of a trained model maps the "
        "sums to visual tokens. Nothing is trained.",
    )
