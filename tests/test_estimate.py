"""Costs that are stated before a grid is run, against operations that torch counts."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from vlmcore import estimate
from vlmcore.config import QueCCConfig, TokenPackerConfig, VLMConfig, replace
from vlmcore.data.samples import Batch
from vlmcore.loop import StageConfig
from vlmcore.plans import GRID, LADDER, grid_run, grid_runs, rung
from vlmcore.sweep import plan, waves
from vlmcore.vision import VisionFeatures
from vlmcore.vlm import VLM


@pytest.mark.parametrize("compressor", [QueCCConfig(), TokenPackerConfig(), None], ids=["quecc", "tokenpacker", "blind"])
def test_training_costs_what_torch_counts(compressor, tokenizer):
    """One step of tuning, forward and backward. The estimate is a little high: nothing needs a gradient with respect to the features."""
    config = VLMConfig(language=rung(32), visual_tokens=4 if compressor else 0, compressor=compressor)
    vlm = VLM.from_config(config, tokenizer)
    vlm.vision.requires_grad_(False)
    b, asked, text = 8, estimate.ASKED, estimate.ASKED + estimate.ANSWERED
    vision = config.vision
    features = VisionFeatures(torch.randn(b, vision.patches, len(vision.layers), vision.width))
    tokens = torch.full((b, text), 5)
    labels = torch.full((b, text), -100)
    labels[:, asked:] = 5
    length = torch.full((b,), text)
    batch = Batch(torch.arange(b), tokens, labels, length, torch.ones_like(length), tokens[:, :asked], torch.full((b,), asked))
    with FlopCounterMode(display=False) as counter:
        vlm(batch, features).loss.backward()
    stages = replace(GRID.training, align=StageConfig(0, 1e-3), tune=StageConfig(1, 1e-3, b))
    run = replace(GRID, model=vlm.config, training=stages)
    assert counter.get_total_flops() < estimate.of_training(run).flops < 1.35 * counter.get_total_flops()


def test_the_plan_counts_every_school_once_and_every_run():
    runs = grid_runs()
    groups = estimate.of_all(runs)
    schools = sum(group.runs for name, group in groups.items() if name.startswith("school"))
    trainings = sum(group.runs for name, group in groups.items() if name.startswith("training"))
    assert schools == 5 * len(LADDER) + 3 * 2
    assert trainings == len(runs)
    costs = [estimate.of_training(grid_run("pages", size, QueCCConfig(), 36)).flops for size in LADDER]
    assert costs == sorted(costs)


def test_a_plan_says_how_long_the_workers_need():
    runs = grid_runs()[:6]
    text = plan(runs, runs[:3], workers=2)
    assert text.startswith("6 runs, 3 without a result")
    one, two = (float(part.split()[0]) for part in text.splitlines()[-1].split("with 2 workers "))
    assert two == pytest.approx(one / 2, abs=0.06)


def test_waves_keep_the_order_and_never_mix_seeds():
    runs = grid_runs()
    found = list(waves(runs))
    assert [run for wave in found for run in wave] == runs
    assert all(len({run.training.seed for run in wave}) == 1 for wave in found)
