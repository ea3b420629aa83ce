"""Measured stages carry the FLOPs that the counter finds; more tokens take longer."""

import json
from functools import partial

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from typer.testing import CliRunner

from vlmcore import config
from vlmcore.cli import app
from vlmcore.config import LanguageConfig, PoolConfig, QueCCConfig
from vlmcore.cost import exact_flops, head_flops, language_flops
from vlmcore.evaluation import rounds
from vlmcore.evaluation.latency import latency_result, measure_latency
from vlmcore.models.language import LanguageModel


def test_flops_are_those_of_the_cost_model(make_vlm):
    vlm = make_vlm(QueCCConfig(heads=2), 4)
    found = measure_latency(vlm, [4], [6], [1, 3], repeats=2)
    flops = exact_flops(vlm.config, 6)
    one, three = found.points
    assert (one.prefill_flops, three.prefill_flops) == (
        flops.prefill,
        3 * flops.prefill,
    )
    assert found.encoder_flops == flops.encoder
    assert found.compressor_flops == flops.compressor + flops.question_pass
    for time in (found.encoder, found.compressor, one.prefill, one.decode):
        assert 0 < time.lower <= time.median <= time.upper
    first = found.time_to_first_token(one)
    assert first > one.prefill.median + found.encoder.median


def test_a_slow_spell_does_not_fall_on_one_point(monkeypatch):
    """Three of nine rounds take four times as long: the medians are the others'."""
    clock, calls = [0.0], []

    def work(number):
        slow = 9 <= len(calls) < 18  # rounds of three works, one of which is the first
        calls.append(number)
        clock[0] += number * (4 if slow else 1)

    monkeypatch.setattr(rounds.time, "perf_counter", lambda: clock[0])
    works = {number: partial(work, number) for number in (1, 2, 3)}
    times = rounds.timed_in_rounds(works, torch.device("cpu"), 9)
    assert {key: time.median for key, time in times.items()} == {1: 1, 2: 2, 3: 3}
    turns = [calls[start : start + 3] for start in range(0, 30, 3)]
    assert all(sorted(turn) == [1, 2, 3] for turn in turns)
    assert len({*map(tuple, turns)}) > 1, "in another order each time"


def test_cached_text_is_not_read_again(tokenizer):
    torch.manual_seed(0)
    language = LanguageModel.from_config(
        LanguageConfig(len(tokenizer), 64, 2, 4, mlp_width=128), tokenizer
    )
    language.model.set_attn_implementation("eager")  # the counter does not see others
    with FlopCounterMode(display=False) as counter:
        found = measure_latency(language, [2], [900], [1], answer_tokens=1, repeats=1)
    (point,) = found.points
    times = 2  # of each measurement: one that counts, and one before it
    prompts = language_flops_of(language)  # the caches are filled once
    counted = times * (
        point.prefill_flops + point.prefill_text_cached_flops + point.decode_flops
    )
    assert counter.get_total_flops() == pytest.approx(counted + prompts, rel=0.02)
    assert point.prefill_text_cached.median < point.prefill.median
    assert found.encoder is None


def language_flops_of(language):
    sizes = language.config
    return sum(language_flops(sizes, n, 0) + head_flops(sizes) for n in (900, 902))


def test_the_command_writes_json(make_vlm, tmp_path):
    vlm = make_vlm(PoolConfig(), 4)
    vlm.save_pretrained(tmp_path / "vlm")
    for folder in ("vlm", "vlm/language"):
        out = tmp_path / "latency.json"
        options = ["--visual-tokens", "1", "--visual-tokens", "9", "--text-tokens", "5"]
        options += ["--repeats", "2", "--out", str(out)]
        done = CliRunner().invoke(app, ["latency", str(tmp_path / folder), *options])
        assert done.exit_code == 0, done.output
        result = json.loads(out.read_text())
        assert [point["visual_tokens"] for point in result["points"]] == [1, 9]
        assert (result["encoder"] is None) == (folder != "vlm")
        assert "± " in done.output
    assert latency_result(measure_latency(vlm, [1], repeats=1))["points"]
    with pytest.raises(ValueError, match="exceed the context of 2048; measure fewer"):
        measure_latency(vlm, [2048])


def test_a_published_size_has_random_weights(monkeypatch, tmp_path):
    small = LanguageConfig(64, 32, 1, 2, mlp_width=64)
    monkeypatch.setitem(config.LANGUAGE_SIZES, "Qwen2.5-0.5B", small)
    vision = config.VisionConfig(24, 2, 32, 2, 4, 64, (1,))
    monkeypatch.setattr(config, "CLIP_L_336", vision)
    out = tmp_path / "latency.json"
    options = ["--dtype", "bfloat16", "--visual-tokens", "1", "--repeats", "1"]
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(
        app, ["latency", "Qwen2.5-0.5B", *options, "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    result = json.loads(out.read_text())
    assert (result["dtype"], result["model"]) == ("bfloat16", "Qwen2.5-0.5B")
    command = "vlmcore latency Qwen2.5-0.5B --dtype bfloat16"
    assert result["command"] == f"{command} --visual-tokens 1 --repeats 1"
    assert result["encoder_flops"] > 0 and result["compressor_flops"] > 0
