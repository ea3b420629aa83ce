"""The estimated cost of a grid against what torch counts and what was measured."""

import numpy as np
import pytest
import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from vlmcore.config import MLPConfig, QueCCConfig, TokenPackerConfig, VLMConfig, replace
from vlmcore.cost import language_parameters
from vlmcore.data.samples import Batch
from vlmcore.data.synthetic.icons import facts
from vlmcore.data.synthetic.vocabulary import SCENE_WORDS, TEXT_WORDS
from vlmcore.experiments import estimate
from vlmcore.experiments.pretraining import curriculum
from vlmcore.experiments.pretraining.scene_tokens import text_loss
from vlmcore.experiments.run_config import identity
from vlmcore.experiments.suites.grid import (
    GRID,
    GRID_SIZES,
    ON_CPU,
    ON_GPU,
    grid_run,
    grid_runs,
    language_size,
)
from vlmcore.models.language import LanguageModel, word_tokenizer
from vlmcore.models.vision import VisionFeatures
from vlmcore.models.vlm import VLM
from vlmcore.training.trainer import StageConfig


def a_step(size, compressor, visual_tokens, samples, tokenizer):
    """A model, a batch, features, and a run of one step of tuning and no alignment."""
    config = VLMConfig(
        language=size, visual_tokens=visual_tokens, compressor=compressor
    )
    vlm = VLM.from_config(config, tokenizer)
    vlm.vision.requires_grad_(False)
    vision, question = config.vision, estimate.QUESTION_LENGTH
    text = question + estimate.ANSWER_LENGTH
    features = VisionFeatures(
        torch.randn(samples, vision.patches, len(vision.layers), vision.width)
    )
    tokens = torch.full((samples, text), 5)
    labels = torch.full((samples, text), -100)
    labels[:, question:] = 5
    length = torch.full((samples,), text)
    batch = Batch(
        torch.arange(samples),
        tokens,
        labels,
        length,
        torch.ones_like(length),
        tokens[:, :question],
        torch.full((samples,), question),
    )
    stages = replace(
        GRID.training, align=StageConfig(0, 1e-3), tune=StageConfig(1, 1e-3, samples)
    )
    one = StageConfig(1, 1e-3, 1)  # text pre-training takes less than tuning
    return (
        vlm,
        batch,
        features,
        replace(GRID, model=vlm.config, training=stages, text=one),
    )


@pytest.mark.parametrize(
    "compressor",
    [QueCCConfig(), TokenPackerConfig(), None],
    ids=["quecc", "tokenpacker", "blind"],
)
def test_training_costs_what_torch_counts(compressor, tokenizer):
    """One step of tuning; an estimate is a little high: features need no gradient."""
    vlm, batch, features, run = a_step(
        language_size(32), compressor, 4 if compressor else 0, 8, tokenizer
    )
    with FlopCounterMode(display=False) as counter:
        vlm(batch, features).loss.backward()
    assert (
        counter.get_total_flops()
        < estimate.of_training(run).flops
        < 1.35 * counter.get_total_flops()
    )


def peak_of_allocations(call):
    """Bytes that torch holds at the peak of a call, beyond those it held before."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        call()
    events = recorded.profiler.kineto_results.events()
    return max(
        np.cumsum([event.nbytes() for event in events if event.name() == "[memory]"])
    )


MODELS = [
    (QueCCConfig(), 1),
    (QueCCConfig(), 36),
    (TokenPackerConfig(), 36),
    (MLPConfig(), 144),
    (None, 0),
]


@pytest.mark.parametrize(("compressor", "visual_tokens"), MODELS, ids=str)
def test_tuning_needs_the_memory_that_was_estimated(
    compressor, visual_tokens, tokenizer
):
    vlm, batch, features, run = a_step(
        language_size(64), compressor, visual_tokens, 16, tokenizer
    )
    optimizer = torch.optim.AdamW(
        [parameter for parameter in vlm.parameters() if parameter.requires_grad]
    )

    def two_steps():  # the first one makes the optimiser's moments
        for _ in range(2):
            optimizer.zero_grad()
            vlm(batch, features).loss.backward()
            optimizer.step()

    seen = 0 if compressor is None else features.layers.nbytes
    peak = (
        peak_of_allocations(two_steps)
        + sum(parameter.nbytes for parameter in vlm.parameters())
        + seen
    )
    assert 0.7 * peak < estimate.peak_bytes(run) < 1.4 * peak


def test_text_pretraining_needs_the_memory_that_was_estimated():
    tokenizer = word_tokenizer([*SCENE_WORDS, *TEXT_WORDS])
    language = LanguageModel.from_config(
        replace(language_size(64), vocab_size=len(tokenizer)), tokenizer
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curriculum, "CURRICULUM_SCENES", 64)
        batch = curriculum.curriculum_batches(tokenizer, facts(1), 32, 0)(
            len(curriculum.CURRICULUM_TURNS) * curriculum.CURRICULUM_TOKENS.index(36)
        )
    run = grid_run("knowledge", language.config, None, 0)
    peak = peak_of_allocations(lambda: text_loss(language, batch).backward()) + 3 * sum(
        x.nbytes for x in language.parameters()
    )
    assert 0.7 * peak < estimate.peak_bytes(run) < 1.4 * peak


def test_memory_grows_with_the_batch_and_with_visual_tokens():
    bytes_of = [
        estimate.peak_bytes(grid_run("ocr", GRID_SIZES[2], QueCCConfig(), v))
        for v in (1, 36)
    ]
    run = grid_run("ocr", GRID_SIZES[2], QueCCConfig(), 36)
    larger = replace(
        run,
        training=replace(run.training, tune=replace(run.training.tune, batch_size=256)),
    )
    assert bytes_of[0] <= bytes_of[1] < estimate.peak_bytes(larger) < 8 * bytes_of[1]


def test_the_estimate_counts_every_language_model_once_and_every_run():
    runs = grid_runs()
    groups = estimate.of_all(runs)
    pretrained = sum(
        group.runs for name, group in groups.items() if name.startswith("text")
    )
    trainings = sum(
        group.runs for name, group in groups.items() if name.startswith("training")
    )
    assert pretrained == 5 * len(GRID_SIZES) + 3 * 2
    assert trainings == len(runs)
    costs = [
        estimate.of_training(grid_run("ocr", size, QueCCConfig(), 36)).flops
        for size in GRID_SIZES
    ]
    assert costs == sorted(costs)


def test_the_cost_of_a_sweep_is_stated_with_its_workers():
    runs = grid_runs()[:6]
    text = estimate.describe_cost(runs, runs[:3], workers=2)
    assert text.startswith("6 runs, 3 without a result")
    hours, memory = text.splitlines()[-2:]
    one, two = (float(part.split()[0]) for part in hours.split("with 2 workers "))
    assert two == pytest.approx(one / 2, abs=0.06)
    assert f"{max(map(estimate.peak_bytes, runs[:3])) / 1e9:.2f} GB" in memory


def test_the_grid_for_a_gpu_is_the_same_with_ten_times_the_parameters():
    small, large = grid_runs(), grid_runs(plan=ON_GPU)
    assert len(large) == len(small) and not {identity(run) for run in large} & {
        identity(run) for run in small
    }
    shapes = [
        [
            (run.task, run.model.visual_tokens, run.model.order, run.training.seed)
            for run in runs
        ]
        for runs in (small, large)
    ]
    assert shapes[0] == shapes[1]
    for before, after in zip(
        (*ON_CPU.sizes, *ON_CPU.depths), (*ON_GPU.sizes, *ON_GPU.depths), strict=True
    ):
        assert language_parameters(after) / language_parameters(
            before
        ) == pytest.approx(10, rel=0.25)
        assert after.width == 16 * after.heads
    assert all(size.width == 16 * size.depth for size in ON_GPU.sizes)
    rates = [
        run.text.learning_rate * run.model.language.width for run in (*small, *large)
    ]
    assert rates == pytest.approx([rates[0]] * len(rates))
    assert {run.training.tune.batch_size for run in large} == {256}


def test_a_gpu_computes_while_the_next_step_is_prepared():
    thread, gpu = (
        estimate.Machine("", 1e9, 0.01, 0.001),
        estimate.Machine("", 1e9, 0.01, 0.001, asynchronous=True),
    )
    assert thread.seconds(100, 10, 1e9) == pytest.approx(3)
    assert gpu.seconds(100, 10, 1e9) == pytest.approx(2) and gpu.seconds(
        100, 10, 5e9
    ) == pytest.approx(5)


# seconds of a step in single precision, on an H100 by itself, with batches of 256
# (book/results/LOG.md)
MEASURED = {4: (0.0203, 0.0208), 9: (0.0337, 0.0391), 15: (0.0602, 0.0492)}


@pytest.mark.parametrize(
    "size", ON_GPU.sizes[::2], ids=lambda size: f"width {size.width}"
)
def test_steps_on_a_gpu_take_what_was_measured(size):
    run = grid_run("ocr", size, QueCCConfig(), 36, recipe=ON_GPU.recipe)
    only_tuned = replace(
        run, training=replace(run.training, align=replace(run.training.align, steps=0))
    )
    tune = (
        estimate.of_training(only_tuned, estimate.GPU).seconds / run.training.tune.steps
    )
    text = estimate.of_text_pretraining(run, estimate.GPU).seconds / run.text.steps
    assert (tune, text) == pytest.approx(MEASURED[size.depth], rel=0.25)


def test_the_cost_on_a_gpu_names_the_card():
    runs = grid_runs(plan=ON_GPU)
    text = estimate.describe_cost(runs, runs, 1, estimate.GPU)
    assert (
        "hours of one GPU" in text
        and "times are those of one free H100" in text.splitlines()[-1]
    )
    finished = estimate.describe_cost(runs, [], 1, estimate.GPU)
    assert "0.0 hours" in finished and "480 runs, 0 without" in finished


def test_other_tasks_have_no_estimate():
    with pytest.raises(
        ValueError, match=r"knowledge, reasoning, ocr only, not for letters"
    ):
        estimate.of_all([replace(GRID, task="letters")])
