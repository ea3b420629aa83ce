"""Names of runs, the runs of each experiment, and presets."""

from dataclasses import dataclass

import pytest

from vlmcore.config import (
    QueCCConfig,
    VLMConfig,
    replace,
)
from vlmcore.experiments import FAMILIES, run_config
from vlmcore.experiments.run_config import (
    SMOKE_IMAGES,
    RunConfig,
    identity,
    language_identity,
    method,
    preset,
    split_of,
)
from vlmcore.experiments.suites import EXPERIMENTS
from vlmcore.training.stages import TrainingConfig
from vlmcore.training.trainer import StageConfig

SHORT = RunConfig(
    training=TrainingConfig(StageConfig(3, 1e-3, 8), StageConfig(4, 1e-3, 8)),
    text=StageConfig(4, 1e-3, 8),
)


def test_a_run_is_named_by_the_fields_that_differ_from_the_defaults():
    assert identity(RunConfig()) == identity(RunConfig(model=VLMConfig()))
    names = [identity(config) for config in EXPERIMENTS["easyvqa"]()]
    assert len(set(names)) == len(names) == 18
    assert identity(SHORT) != identity(replace(SHORT, held_out=True))


def test_a_new_field_with_a_default_leaves_old_names_alone(monkeypatch):
    @dataclass(frozen=True)
    class Later(RunConfig):
        colour: str = "none"

    old = [identity(SHORT), identity(RunConfig())]
    monkeypatch.setattr(run_config, "RunConfig", Later)
    same = Later(SHORT.model, SHORT.training, SHORT.text)
    assert [identity(same), identity(Later())] == old
    assert identity(Later(colour="red")) not in old


def test_a_new_field_of_a_stage_leaves_the_names_of_language_models_alone(monkeypatch):
    @dataclass(frozen=True)
    class Later(StageConfig):
        colour: str = "none"

    def later(config: StageConfig, **change: str) -> Later:
        return Later(**vars(config), **change)

    old, usual = language_identity(SHORT), RunConfig()
    monkeypatch.setattr(
        run_config, "RunConfig", lambda: replace(usual, text=later(usual.text))
    )
    assert language_identity(replace(SHORT, text=later(SHORT.text))) == old
    assert (
        language_identity(replace(SHORT, text=later(SHORT.text, colour="red"))) != old
    )


def test_ablations_have_names_of_their_own():
    quecc = QueCCConfig()
    assert method(quecc) == "quecc" and method(None) == "blind"
    assert method(replace(quecc, inject_question=False)) == "quecc_nl"
    assert (
        method(
            QueCCConfig(
                inject_question=False, nonlinear_query=False, learned_downsampling=False
            )
        )
        == "quecc_0"
    )


def test_the_real_plan():
    runs = EXPERIMENTS["real"]()
    assert len({identity(run) for run in runs}) == len(runs) == 9
    one = [
        run
        for run in runs
        if run.task == "easyvqa"
        and run.model.visual_tokens == 1
        and run.model.order == "image_first"
    ]
    assert {run.training.seed for run in one} == {0, 1, 2} and all(
        run.training.lora and run.pretrained for run in one
    )
    assert [run.pretrained is None for run in runs if run.task == "word_facts"] == [
        False,
        True,
    ]


def test_the_ablation_shares_no_run_with_the_grid():
    runs, grid = EXPERIMENTS["ablation"](), EXPERIMENTS["grid"]()
    names = {identity(run) for run in runs}
    assert len(names) == len(runs) == 48 and not names & {identity(run) for run in grid}
    of_one = runs[: len(runs) // 3]
    assert {run.training.seed for run in of_one} == {0}
    steps = {
        (
            run.task,
            run.embedding_targets,
            run.training.align.steps,
            run.training.tune.steps,
        )
        for run in of_one
    }
    families = {
        (task, *recipe)
        for task in FAMILIES
        for recipe in ((False, 1200, 400), (None, 0, 1600))
    }
    assert steps == {("mixture", None, 3600, 1200), *families}


def test_presets():
    assert preset("cpu") == RunConfig()
    smoke = preset("smoke")
    assert smoke.training.tune.steps < 50 and split_of(smoke).images == SMOKE_IMAGES
    assert preset("gpu").images is None
    assert isinstance(preset("gpu").model.compressor, QueCCConfig)
    with pytest.raises(ValueError, match="'tpu'; choose from smoke, cpu, gpu"):
        preset("tpu")
