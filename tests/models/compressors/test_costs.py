"""Every compressor's own account of its costs, against its module at full size."""

from itertools import product

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from vlmcore.config import (
    PAPER,
    M3Config,
    MLPConfig,
    MQTConfig,
    PoolConfig,
    PruMergeConfig,
    QueCCConfig,
    TokenPackerConfig,
    replace,
)
from vlmcore.cost import exact_flops, language_flops
from vlmcore.models.compressors import build_compressor
from vlmcore.models.vision import VisionFeatures

ABLATIONS = [QueCCConfig(8, *switches) for switches in product([False, True], repeat=3)]
FULL = [(MLPConfig(), 576)] + [
    (config, v)
    for config in (
        PoolConfig(),
        M3Config(),
        MQTConfig(),
        TokenPackerConfig(8),
        PruMergeConfig(),
        *ABLATIONS,
    )
    for v in (1, 36, 144)
]


def count(parameters):
    return sum(parameter.numel() for parameter in parameters)


@pytest.mark.parametrize(("config", "visual_tokens"), FULL, ids=str)
def test_full_size_is_the_same_class_and_costs_what_its_config_says(
    config, visual_tokens
):
    vlm = replace(PAPER, compressor=config, visual_tokens=visual_tokens)
    with torch.device("meta"):
        compressor = build_compressor(vlm).eval()
        features = VisionFeatures(
            torch.empty(1, 576, 4, 1024), torch.empty(1, 576), torch.empty(1, 576, 1024)
        )
        question = (torch.empty(1, 4096),) if config.sees_question else ()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            # with weights, attention is made of products that the counter sees
            if config.heads > 1:
                compressor.projection(compressor.attend(features, *question)[0])
            else:
                assert compressor(features).shape == (1, visual_tokens, 4096)
    projection = config.projection_parameters(vlm.axes)
    assert projection == count(compressor.projection.parameters())
    assert config.parameters(vlm.axes) + projection == count(compressor.parameters())
    assert config.flops(vlm.axes) == counter.get_total_flops()


@pytest.mark.parametrize(
    "config", [PoolConfig(), TokenPackerConfig(8), *ABLATIONS], ids=str
)
def test_only_an_injected_question_costs_a_pass_and_only_once(config):
    vlm = replace(PAPER, compressor=config)
    asked, cached = (
        exact_flops(vlm, 60, question_tokens=50, question_cached=known)
        for known in (False, True)
    )
    one_pass = language_flops(vlm.language, 50, 0) if config.sees_question else 0
    assert (asked.question_pass, cached.question_pass) == (one_pass, 0)
    assert asked.total - cached.total == one_pass


def test_the_order_of_costs_at_one_token():
    """M3 projects every patch, pooling one; region attention lies in between."""

    def flops(config):
        return config.flops(PAPER.axes)

    mlp = MLPConfig().flops(PAPER.axes._replace(v=576))
    assert flops(M3Config()) == mlp == 576 * flops(PoolConfig())
    assert (
        flops(MQTConfig()) < flops(TokenPackerConfig(8)) < flops(QueCCConfig(8)) < mlp
    )
