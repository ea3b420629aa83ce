from itertools import product

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from vlmcore.config import (
    CLIP_L_336,
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
from vlmcore.cost import (
    compressor_flops,
    compressor_parameters,
    exact_flops,
    language_flops,
    projection_parameters,
)
from vlmcore.models.compressors import COMPRESSORS
from vlmcore.models.vision import VisionFeatures

WIDTH = 4096  # of the language model
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


@pytest.mark.parametrize(("config", "visual_tokens"), FULL, ids=str)
def test_full_size_is_the_same_class_and_costs_what_is_said(config, visual_tokens):
    with torch.device("meta"):
        compressor = COMPRESSORS[config.name](
            config, CLIP_L_336, WIDTH, visual_tokens
        ).eval()
        features = VisionFeatures(
            torch.empty(1, 576, 4, 1024), torch.empty(1, 576), torch.empty(1, 576, 1024)
        )
        question = (torch.empty(1, WIDTH),) if config.sees_question else ()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            if config.name in (
                "mqt",
                "tokenpacker",
                "quecc",
            ):  # with weights, attention is made of products that the counter sees
                compressor.projection(compressor.attend(features, *question)[0])
            else:
                assert compressor(features).shape == (1, visual_tokens, WIDTH)
    projection = sum(p.numel() for p in compressor.projection.parameters())
    assert projection == projection_parameters(config, CLIP_L_336, WIDTH)
    others = sum(p.numel() for p in compressor.parameters()) - projection
    assert others == compressor_parameters(config, CLIP_L_336, WIDTH, visual_tokens)
    assert counter.get_total_flops() == compressor_flops(
        config, CLIP_L_336, WIDTH, visual_tokens
    )


@pytest.mark.parametrize(
    "config", [PoolConfig(), TokenPackerConfig(8), *ABLATIONS], ids=str
)
def test_only_an_injected_question_costs_a_pass_and_only_once(config):
    vlm = replace(PAPER, compressor=config)
    asked, cached = (
        exact_flops(vlm, 60, question_tokens=50),
        exact_flops(vlm, 60, question_tokens=50, question_cached=True),
    )
    assert cached.question_pass == 0
    assert asked.question_pass == (
        language_flops(vlm.language, 50, 0) if config.sees_question else 0
    )
    assert asked.total - cached.total == asked.question_pass


def test_the_order_of_costs_at_one_token():
    """M3 saves nothing in its projector, which pooling before it would; methods with regions cost less than projecting every patch."""
    flops = lambda config, v: compressor_flops(config, CLIP_L_336, WIDTH, v)  # noqa: E731
    assert (
        flops(M3Config(), 1) == flops(MLPConfig(), 576) == 576 * flops(PoolConfig(), 1)
    )
    assert (
        flops(MQTConfig(), 1)
        < flops(TokenPackerConfig(8), 1)
        < flops(QueCCConfig(8), 1)
        < flops(MLPConfig(), 576)
    )
