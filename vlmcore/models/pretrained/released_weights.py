"""Names of the tensors in the released weights of LLaVA-1.5, TokenPacker, MQT, QueCC.

They keep their compressor as `model.mm_projector` of a LLaVA checkpoint (in a
`mm_projector.bin` of its own after stage 1), MQT as `model.query_abstractor`. The names
after that prefix differ; `PUBLISHED` lists them as in the released code
(github.com/haotian-liu/LLaVA, CircleRadon/TokenPacker, gordonhu608/MQT-LLaVA,
locuslab/llava-token-compression). M3 and PruMerge add nothing to LLaVA's projector.
"""

import math
from collections.abc import Mapping

from torch import Tensor, nn

from vlmcore.models.compressors.mqt import resize_positions

_LAYER = ("weight", "bias")
_ATTENTION = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")


def _tensors(theirs: str, ours: str, names: tuple[str, ...] = _LAYER) -> dict[str, str]:
    """The tensors of a layer, by their released names."""
    return {f"{theirs}.{name}": f"{ours}.{name}" for name in names}


_LLAVA = _tensors("0", "projection.0") | _tensors("2", "projection.2")

PUBLISHED: dict[str, dict[str, str]] = {
    "mlp": _LLAVA,
    "pool": _LLAVA,
    "m3": _LLAVA,
    "prumerge": _LLAVA,
    "prumerge_plus": _LLAVA,
    # proj: (d, e), applied from the right, so transposed here
    "mqt": {
        "query": "query",
        "pos_embed": "query_positions",
        "proj": "projection.weight",
    }
    | _tensors("ln_q", "query_norm")
    | _tensors("ln_k", "key_norm")
    | _tensors("ln_v", "value_norm")
    | _tensors("attn", "attention", _ATTENTION),
    "tokenpacker": _tensors("q_proj_1", "query.0", ("weight",))
    | _tensors("ln_q_1", "query.1")
    | _tensors("k_proj_1.0", "key.0")
    | _tensors("k_proj_1.2", "key.2")
    | _tensors("ln_k_1", "key.3")
    | _tensors("v_proj_1.0", "value.0")
    | _tensors("v_proj_1.2", "value.2")
    | _tensors("ln_v_1", "value.3")
    | _tensors("clip_attn", "attention", _ATTENTION)
    | _tensors("mlp.0", "projection.0")
    | _tensors("mlp.2", "projection.2"),
    # a Sequential of the compressor, which is its layer 0, and of LLaVA's projector,
    # its layers 1 and 3
    "quecc": _tensors("0.text_projection.0", "question.0")
    | _tensors("0.text_projection.1", "question.1")
    | _tensors("0.q_proj.0", "query.0")
    | _tensors("0.q_proj.2", "query.2")
    | _tensors("0.q_proj.3", "query.3")
    | _tensors("0.q_downsample", "downsample")
    | _tensors("0.k_proj.0", "key.0")
    | _tensors("0.k_proj.2", "key.2")
    | _tensors("0.k_proj.3", "key.3")
    | _tensors("0.v_proj.0", "value.0")
    | _tensors("0.v_proj.2", "value.2")
    | _tensors("0.v_proj.3", "value.3")
    | _tensors("0.clip_attn", "attention", _ATTENTION)
    | _tensors("1", "projection.0")
    | _tensors("3", "projection.2"),
}
"""For each compressor, its tensors' names here by those in a released
`mm_projector`."""

PREFIXES = ("mm_projector.", "query_abstractor.")
"""End of what stands before these names in a checkpoint."""
_NO_PART = {"image_newline"}
"""Released beside a compressor; ends the rows of images of high resolution."""


def compressor_tensors(released: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of the tensors of a checkpoint, those of its compressor, without their prefix."""
    return {
        name.partition(prefix)[2]: x
        for name, x in released.items()
        for prefix in PREFIXES
        if prefix in name
    }


def from_published(
    compressor: str, released: Mapping[str, Tensor], side: int = 24
) -> dict[str, Tensor]:
    """Released weights under this package's names, for a compressor's state dict.

    Args:
        compressor: its key in `COMPRESSORS`.
        released: the tensors of a whole checkpoint, or of the compressor alone, with or
            without the prefix.
        side: patches along one side of the image.

    Raises:
        ValueError: a tensor is missing, or one of the compressor is not known; the
            sentence names it.

    Example:
        >>> weights = torch.load(path, weights_only=True)  # doctest: +SKIP
        >>> mlp.load_state_dict(from_published("mlp", weights))  # doctest: +SKIP
    """
    if compressor not in PUBLISHED:
        raise ValueError(
            f"there are no released weights of {compressor!r}; choose from "
            f"{', '.join(PUBLISHED)}"
        )
    names = PUBLISHED[compressor]
    found = compressor_tensors(released) or dict(released)
    missing = sorted(names.keys() - found.keys())
    unknown = sorted(found.keys() - names.keys() - _NO_PART)
    if missing or unknown:
        raise ValueError(
            f"these are not the weights of a released {compressor}: missing are "
            f"{_some(missing)}, not known are {_some(unknown)}; give all tensors of "
            "its compressor"
        )
    ours = {names[name]: x for name, x in found.items() if name in names}
    return _mqts(ours, side) if compressor == "mqt" else ours


def _mqts(ours: dict[str, Tensor], side: int) -> dict[str, Tensor]:
    """MQT's projection as a layer has it, and the positions of its keys.

    The positions were trained in stage 1 of the release, and so are not those of the
    formula.
    """
    positions = ours["query_positions"].float()
    if math.isqrt(len(positions)) ** 2 != len(positions):
        raise ValueError(
            f"pos_embed has {len(positions)} rows, which are no square grid; give the "
            "positions of a released MQT"
        )
    projection = ours["projection.weight"].T.contiguous()
    keys = resize_positions(positions, side)
    return ours | {"projection.weight": projection, "key_positions": keys}


def load_published(
    compressor: nn.Module, name: str, released: Mapping[str, Tensor], side: int
) -> None:
    """Loads released weights into a compressor; arguments as for `from_published`.

    Raises:
        ValueError: a tensor is missing, not known or of another shape.
    """
    ours, mine = from_published(name, released, side), compressor.state_dict()
    for theirs, own in PUBLISHED[name].items():
        if ours[own].shape != mine[own].shape:
            raise ValueError(
                f"{theirs} of the released {name} is {tuple(ours[own].shape)}, and the "
                f"widths of encoder and language model ask for "
                f"{tuple(mine[own].shape)}; give the models that it was trained with"
            )
    compressor.load_state_dict(ours)


def _some(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more if names else "none"
