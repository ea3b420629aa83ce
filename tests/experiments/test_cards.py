"""Estimates for cards that are not at hand: what they depend on, and sums by hand."""

import pytest

from vlmcore.config import QWEN25, M3Config, VLMConfig, replace
from vlmcore.config.presets import CLIP_L_336
from vlmcore.cost import language_parameters, parameters
from vlmcore.experiments.cards import CARDS, describe_cards, on_card
from vlmcore.experiments.run_config import RunConfig, preset
from vlmcore.experiments.suites.smollm2 import REAL
from vlmcore.training import StageConfig, TrainingConfig

T4, A100 = CARDS
QWEN = replace(
    REAL,
    model=replace(REAL.model, language=QWEN25["1.5B"], vision=CLIP_L_336),
    pretrained="Qwen/Qwen2.5-1.5B-Instruct",
)


def test_a_miniature_waits_for_its_kernels_on_any_card():
    run = preset("gpu")
    assert on_card([run], T4) == on_card([run], A100)


def test_weights_that_runs_share_are_trained_once():
    model = VLMConfig(compressor=M3Config(scales=(1, 4, 16)), visual_tokens=16)
    one, other = RunConfig(model), RunConfig(replace(model, visual_tokens=4))
    assert on_card([one, other], T4) == on_card([one], T4)


def test_a_large_model_is_as_much_faster_as_the_card():
    slow, fast = (on_card([QWEN], card).minutes for card in CARDS)
    assert slow / fast == pytest.approx(A100.half / T4.half)


@pytest.mark.parametrize("name", ["0.5B", "1.5B", "7B"])
def test_a_step_of_lora_passes_the_language_model_forth_and_back(name):
    """Two operations a parameter, token and pass; attention and CLIP add the rest."""
    language, stage = QWEN25[name], StageConfig(100, 1e-3, 256)
    training = TrainingConfig(replace(stage, steps=0), stage, lora=REAL.training.lora)
    model = replace(QWEN.model, language=language)
    run = replace(QWEN, training=training, model=model)
    image = replace(training, align=stage, tune=training.align)
    seconds = [
        60 * on_card([replace(run, training=part)], T4).minutes
        for part in (training, image)
    ]
    tokens = stage.steps * stage.batch_size * (50 + 1 + 2)
    wanted = 2 * 2 * language_parameters(language) * tokens
    rate = T4.machine(T4.half).flops_per_second
    assert (seconds[0] - seconds[1]) * rate == pytest.approx(wanted, rel=0.1)


def test_memory_holds_the_frozen_weights_in_half_precision():
    weights = 2 * parameters(QWEN.model).total / 1e9
    assert weights < on_card([QWEN], T4).gigabytes < 3 * weights


def test_a_sentence_names_the_cards_and_says_that_it_is_an_estimate():
    text = describe_cards([QWEN])
    assert "estimated" in text and "of 16 GB on a T4" in text and "an A100" in text
