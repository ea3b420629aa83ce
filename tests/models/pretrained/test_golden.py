"""Visual tokens equal those of the released code; `golden.py` says how it was run."""

import json
from pathlib import Path

import pytest
import torch

from tests.models.pretrained.golden import EVERY, features, fill
from vlmcore.config import (
    CLIP_L_336,
    MQTConfig,
    PruMergeConfig,
    PruMergePlusConfig,
    QueCCConfig,
    TokenPackerConfig,
    replace,
)
from vlmcore.models.compressors import COMPRESSORS
from vlmcore.models.pretrained.released_weights import PUBLISHED, from_published

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())
D, E = 1024, 16


def expected(name):
    return torch.tensor(GOLDEN[name]["values"])


def assert_equal(ours, name):
    assert list(ours.shape) == GOLDEN[name]["shape"]
    theirs = expected(name)
    assert theirs.std() > 0.01
    assert (ours.flatten()[::EVERY] - theirs).abs().max() < 1e-5 * theirs.abs().max()


def theirs_of(name, compressor):
    """Shapes by their names; MQT's projection is applied from the right."""
    mine = compressor.state_dict()
    shapes = {
        theirs: tuple(mine[own].shape)[:: -1 if theirs == "proj" else 1]
        for theirs, own in PUBLISHED[name].items()
    }
    # the released class of QueCC ends before LLaVA's projector
    inner = {k.removeprefix("0."): v for k, v in shapes.items() if k[:2] in ("0.",)}
    return inner if name == "quecc" else shapes


@pytest.mark.parametrize(
    ("config", "visual_tokens", "width", "seed"),
    [
        (QueCCConfig(heads=8), 9, E, 2),
        (TokenPackerConfig(heads=8), 144, 4096, 3),
        (MQTConfig(), 36, E, 4),
    ],
    ids=lambda x: x.name if hasattr(x, "name") else None,
)
@torch.no_grad()
def test_a_trained_compressor(config, visual_tokens, width, seed):
    compressor = COMPRESSORS[config.name](config, CLIP_L_336, width, visual_tokens)
    tensors = fill(theirs_of(config.name, compressor), seed)
    if config.name == "quecc":
        tensors = {f"0.{name}": x for name, x in tensors.items()}
        rest = {k: torch.zeros(v) for k, v in {"1": (E, D), "3": (E, E)}.items()}
        tensors |= {f"{k}.weight": x for k, x in rest.items()}
        tensors |= {f"{k}.bias": torch.zeros(E) for k in rest}
    compressor.load_state_dict(from_published(config.name, tensors))
    images, question = features()
    if config.name == "quecc":
        ours, _ = compressor.attend(images, question)
    else:
        ours = compressor(images)
    assert_equal(ours[:, ::9] if config.name == "tokenpacker" else ours, config.name)


def image(number):
    return type(features()[0])(*(x[number : number + 1] for x in features()[0]))


@pytest.mark.parametrize(
    ("config", "name", "seen", "visual_tokens"),
    [
        (PruMergePlusConfig(), "prumerge_plus_fixed", lambda: features()[0], 145),
        *(
            (kind(adaptive=True), f"{kind.name}_adaptive_{n}", lambda n=n: image(n), 9)
            for kind in (PruMergeConfig, PruMergePlusConfig)
            for n in (0, 1)
        ),
    ],
    ids=lambda x: x if isinstance(x, str) else None,
)
@torch.no_grad()
def test_prumerge(config, name, seen, visual_tokens):
    sizes = replace(CLIP_L_336, layers=(12, 16, 22, 23))
    prumerge = COMPRESSORS[config.name](config, sizes, E, visual_tokens)
    assert_equal(prumerge.attend(seen())[0], name)
