"""Promises of every compressor, and the sizes of the published ones."""

from itertools import product

import pytest
import torch

from vlmcore.config import (
    CLIP_L_336,
    CompressorConfig,
    M3Config,
    MLPConfig,
    MQTConfig,
    PoolConfig,
    PruMergeConfig,
    PruMergePlusConfig,
    QueCCConfig,
    TokenPackerConfig,
)
from vlmcore.models.compressors import COMPRESSORS
from vlmcore.models.vision import VisionFeatures

ABLATIONS = [QueCCConfig(2, *switches) for switches in product([False, True], repeat=3)]
OTHERS = [
    PoolConfig(),
    M3Config(),
    MQTConfig(9, 2),
    MQTConfig(9, 2, True),
    TokenPackerConfig(2),
    PruMergeConfig(5),
    PruMergeConfig(5, plus=True),
]
ALL = [
    (MLPConfig(), 36),
    (PruMergePlusConfig(5), 13),
    *((config, v) for config in OTHERS + ABLATIONS for v in (1, 4)),
]
every_compressor = pytest.mark.parametrize(("config", "visual_tokens"), ALL, ids=str)


def test_every_config_has_its_compressor():
    shipped = [
        kind
        for kind in CompressorConfig.__subclasses__()
        if kind.__module__.startswith("vlmcore")
    ]
    assert [kind.name for kind in shipped] == list(COMPRESSORS)


@every_compressor
def test_images_of_a_batch_do_not_meet_and_inputs_stay(build, config, visual_tokens):
    compressor, features, question = build(config, visual_tokens)
    before = [x.clone() for x in (*features, question)]
    order = torch.tensor([2, 0, 1])
    with torch.no_grad():
        whole, permuted = (
            compressor(features, question),
            compressor(VisionFeatures(*(x[order] for x in features)), question[order]),
        )
    assert whole.shape == (3, visual_tokens, 24)
    torch.testing.assert_close(permuted, whole[order])
    assert all(
        torch.equal(x, y) for x, y in zip((*features, question), before, strict=True)
    )


@every_compressor
def test_a_changed_question_matters_only_where_it_is_injected(
    build, config, visual_tokens
):
    compressor, features, question = build(config, visual_tokens)
    with torch.no_grad():
        moved = (
            (compressor(features, question.flip(0)) - compressor(features, question))
            .abs()
            .max()
        )
    assert moved > 1e-3 if config.sees_question else moved == 0
    assert config.sees_question == (config.name == "quecc" and config.inject_question)


@every_compressor
def test_gradient_reaches_every_parameter_that_can_matter(build, config, visual_tokens):
    """Not to biases of keys, which softmax ignores, nor to queries beyond the V-th."""
    compressor, features, question = build(config, visual_tokens)
    compressor(features, question).square().sum().backward()
    for name, parameter in compressor.named_parameters():
        grad = parameter.grad.abs()
        if name in ("key.3.bias", "key_norm.bias"):
            assert grad.max() < 1e-12
        elif name == "attention.in_proj_bias":
            query, key, value = (part.max() for part in grad.chunk(3))
            assert min(query, value) > 1e-10 > 1e-12 > key
        elif name == "query" and config.name == "mqt":
            assert (
                grad[:visual_tokens].amax(1).min() > 1e-10
                and grad[visual_tokens:].max() == 0
            )
        else:
            assert grad.max() > 1e-10, name


@every_compressor
def test_the_v_of_a_call_is_chosen_or_refused(build, config, visual_tokens):
    compressor, features, question = build(config, visual_tokens)
    assert torch.equal(
        compressor(features, question),
        compressor(features, question, visual_tokens=visual_tokens),
    )
    if config.name in ("m3", "mqt", "prumerge", "prumerge_plus"):
        assert compressor(features, question, visual_tokens=9).shape == (3, 9, 24)
    else:
        with pytest.raises(
            ValueError, match=f"for {visual_tokens} visual tokens and cannot give 9"
        ):
            compressor(features, question, visual_tokens=9)


@pytest.mark.parametrize("config", [TokenPackerConfig(2), QueCCConfig(2)], ids=str)
def test_regions_of_a_single_patch_are_refused(build, config):
    with pytest.raises(
        ValueError,
        match=r"6 patches a side into 36 tokens; choose visual_tokens from 1, 4, 9$",
    ):
        build(config, 36)


D, E, LEVELS = 1024, 4096, 4
MLP = (D * E + E) + (E * E + E)
NORM, MATRIX = 2 * D, D * D + D
TWO_LAYERS = (LEVELS * D * D + D) + MATRIX


def quecc_parameters(kernel):
    question, query = (E * D + D) + NORM, 2 * MATRIX + NORM
    return (
        question
        + query
        + (D * kernel**2 + D)
        + 2 * (TWO_LAYERS + NORM)
        + 4 * MATRIX
        + MLP
    )


PUBLISHED = [
    (MLPConfig(), 576, MLP),
    (PoolConfig(), 36, MLP),
    (M3Config(), 36, MLP),
    (PruMergeConfig(), 36, MLP),
    (MQTConfig(), 256, 256 * D + 3 * NORM + 4 * MATRIX + D * E),
    *(
        (TokenPackerConfig(8), v, D * D + 2 * TWO_LAYERS + 3 * NORM + 4 * MATRIX + MLP)
        for v in (1, 36, 144)
    ),
    *(
        (QueCCConfig(8), v, quecc_parameters(kernel))
        for v, kernel in ((1, 24), (9, 8), (36, 4), (144, 2))
    ),
]


@pytest.mark.parametrize(("config", "visual_tokens", "published"), PUBLISHED, ids=str)
def test_full_size_has_the_published_number_of_parameters(
    config, visual_tokens, published
):
    with torch.device("meta"):
        compressor = COMPRESSORS[config.name](config, CLIP_L_336, E, visual_tokens)
    assert sum(p.numel() for p in compressor.parameters()) == published


def test_published_totals():
    """The same, as numbers: a formula can be wrong twice."""
    assert MLP == 20_979_712 and quecc_parameters(24) == 42_561_536
