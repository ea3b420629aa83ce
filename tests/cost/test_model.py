import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.conftest import TINY_LANGUAGE
from vlmcore import cost
from vlmcore.config import (
    CLIP_L_336,
    PAPER,
    QWEN25,
    VICUNA_7B,
    VICUNA_13B,
    LanguageConfig,
    VLMConfig,
    replace,
)
from vlmcore.models.language import LanguageModel
from vlmcore.models.vision import VisionEncoder


def numel(module):
    return sum(p.numel() for p in module.parameters())


def counted(call):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        call()
    return counter.get_total_flops()


def test_groups_equal_numel_and_sum_to_the_whole(make_vlm, model):
    vlm = make_vlm(*model)
    groups = cost.parameters(vlm.config)
    projection = numel(vlm.compressor.projection) if vlm.compressor else 0
    assert groups.vision == numel(vlm.vision)
    assert groups.projection == projection
    assert groups.compressor == (
        numel(vlm.compressor) - projection if vlm.compressor else 0
    )
    assert groups.embedding == numel(vlm.language.model.get_input_embeddings())
    assert groups.total == numel(vlm)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"tied": False},
        {"kv_heads": 1},
        {"qkv_bias": True},
        {"head_width": 8},
        {"depth": 1, "mlp_width": 12},
    ],
    ids=str,
)
def test_every_kind_of_language_model_is_counted(tokenizer, change):
    config = replace(TINY_LANGUAGE, **change)
    language = LanguageModel.from_config(config, tokenizer)
    groups = cost.parameters(VLMConfig(config, 0, None))
    assert groups.language + groups.embedding + groups.head == numel(language)
    assert language.config == config

    language.model.set_attn_implementation("eager")
    embeddings = torch.randn(1, 11, config.width)
    assert counted(lambda: language(embeddings)) == pytest.approx(
        cost.language_flops(config, 11, 0), rel=0.01
    )
    assert counted(lambda: language.logits(embeddings[:, -1])) == cost.head_flops(
        config
    )


def test_decoding_with_a_cache_is_counted(tokenizer):
    language = LanguageModel.from_config(TINY_LANGUAGE, tokenizer)
    language.model.set_attn_implementation("eager")
    embeddings = torch.randn(1, 12, TINY_LANGUAGE.width)
    cache = language.model.base_model(
        inputs_embeds=embeddings[:, :9], use_cache=True
    ).past_key_values

    def step():
        return language.model.base_model(
            inputs_embeds=embeddings[:, 9:], past_key_values=cache, use_cache=True
        )

    assert counted(step) == pytest.approx(
        cost.language_flops(TINY_LANGUAGE, 3, 9), rel=0.01
    )


def test_the_encoder_is_counted(images):
    encoder = VisionEncoder.from_config(VLMConfig().vision)
    encoder.model.set_attn_implementation("eager")
    pixels = torch.rand(1, 3, 72, 72)
    assert counted(lambda: encoder(pixels)) == pytest.approx(
        cost.vision_flops(encoder.config), rel=0.01
    )


def test_stages_of_a_whole_answer(make_vlm):
    config = make_vlm().config
    flops = cost.exact_flops(config, text_tokens=7, answer_tokens=3)
    lm = config.language
    assert flops.prefill == cost.language_flops(lm, 7 + 4, 0) + cost.head_flops(lm)
    assert flops.decode == sum(
        cost.language_flops(lm, 1, 11 + i) + cost.head_flops(lm) for i in range(2)
    )
    assert flops.question_pass == cost.language_flops(lm, 7, 0)
    assert cost.exact_flops(config, 7, question_cached=True).question_pass == 0
    assert flops.total == sum(flops)

    blind = cost.exact_flops(make_vlm(None, 0).config, 7)
    assert (blind.encoder, blind.compressor, blind.question_pass) == (0, 0, 0)


def test_cached_text_costs_only_the_visual_tokens(make_vlm):
    config = make_vlm(order="question_first").config
    cached = cost.exact_flops(config, 7, text_cached=True)
    assert cached.prefill == cost.language_flops(
        config.language, 4, 7
    ) + cost.head_flops(config.language)
    with pytest.raises(ValueError, match="question_first"):
        cost.exact_flops(make_vlm().config, 7, text_cached=True)


def test_published_sizes():
    """Sizes that others print, and 0.38 TFLOP an image for CLIP, counted by hand."""
    vicuna = cost.parameters(PAPER)
    assert vicuna.language + vicuna.embedding + vicuna.head == 6_738_415_616
    assert vicuna.vision == 303_507_456
    assert cost.vision_flops(CLIP_L_336) == pytest.approx(0.38e12, rel=0.03)
    larger = cost.parameters(replace(PAPER, language=VICUNA_13B))
    assert larger.language + larger.embedding + larger.head == 13_015_864_320
    for name, whole, without_embeddings in (
        ("0.5B", 0.49, 0.36),
        ("1.5B", 1.54, 1.31),
        ("7B", 7.61, 6.53),
    ):  # of the model cards
        qwen = cost.parameters(replace(PAPER, language=QWEN25[name]))
        assert qwen.language / 1e9 == pytest.approx(without_embeddings, abs=0.006)
        assert (qwen.language + qwen.embedding + qwen.head) / 1e9 == pytest.approx(
            whole, abs=0.006
        )
    assert cost.paper_flops(7e9, 50, 576) / cost.paper_flops(
        7e9, 50, 1
    ) == pytest.approx(12.27, abs=0.01)


def test_kv_cache_bytes(tokenizer):
    config = replace(TINY_LANGUAGE, kv_heads=1)
    language = LanguageModel.from_config(config, tokenizer)
    cache = language.model.base_model(
        inputs_embeds=torch.randn(1, 5, config.width), use_cache=True
    ).past_key_values
    stored = sum(
        t.numel() * t.element_size()
        for layer in cache.layers
        for t in (layer.keys, layer.values)
    )
    assert stored == cost.kv_cache_bytes(config, 5, bytes_per_value=4)
    assert cost.kv_cache_bytes(VICUNA_7B, 1) == 524_288


def test_a_larger_dial_never_costs_less():
    base = VLMConfig()
    for changed in (
        replace(base, visual_tokens=4),
        replace(base, language=LanguageConfig(depth=4)),
        replace(base, language=LanguageConfig(mlp_width=300)),
    ):
        assert cost.exact_flops(changed, 9).total > cost.exact_flops(base, 9).total
