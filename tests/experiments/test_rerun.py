"""A run comes out the same when it is done anew from what its result says about it."""

import pytest
from typer.testing import CliRunner

from vlmcore.cli import app
from vlmcore.config import QueCCConfig, replace, to_dict
from vlmcore.experiments import rerun, runner, tasks
from vlmcore.experiments.pretraining import curriculum
from vlmcore.experiments.run_config import SCHEMA, config_of, identity
from vlmcore.experiments.runner import run_cell
from vlmcore.experiments.suites.grid import grid_run, language_size
from vlmcore.experiments.tasks import synthetic
from vlmcore.files import read_json
from vlmcore.training.trainer import StageConfig

SHORT = StageConfig(30, 1e-2, 8)


@pytest.fixture
def cell(monkeypatch, tmp_path):
    """A short run of the grid on little data, and its result file."""
    monkeypatch.setattr(synthetic, "TRAIN_SCENES", 24)
    monkeypatch.setattr(synthetic, "FAMILY_TEST_SCENES", 60)
    monkeypatch.setattr(curriculum, "CURRICULUM_SCENES", 60)
    monkeypatch.setattr(
        runner, "load_task", tasks.load_task.__wrapped__
    )  # past the cache, which other tests fill
    monkeypatch.setattr(
        rerun.torch, "set_num_threads", lambda threads: None
    )  # both trainings have those of the tests
    run = grid_run("reasoning", language_size(32), QueCCConfig(), 4)
    run = replace(
        run, text=SHORT, training=replace(run.training, align=SHORT, tune=SHORT)
    )
    run_cell(run, tmp_path / "results", tmp_path / "work")
    return run, tmp_path / "results" / f"{identity(run)}.json"


def test_a_repeated_run_gives_the_same_answers(cell, tmp_path):
    run, path = cell
    result = read_json(path)
    assert config_of(result) == run
    again = run_cell(config_of(result), tmp_path / "again", tmp_path / "another")
    assert (again["id"], again["right"], again["scores"]) == (
        result["id"],
        result["right"],
        result["scores"],
    )
    weights = [
        (tmp_path / work / identity(run) / "tune.safetensors").read_bytes()
        for work in ("work", "another")
    ]
    assert weights[0] == weights[1] and 0 < result["right"].count("1") < 60

    done = CliRunner().invoke(app, ["rerun", str(path)])
    assert done.exit_code == 0 and "; 0 answers changed between" in done.output, (
        done.output[-300:]
    )

    other = replace(run, training=replace(run.training, seed=1))
    run_cell(other, tmp_path / "results", tmp_path / "another")
    assert (
        tmp_path / "another" / identity(other) / "tune.safetensors"
    ).read_bytes() != weights[0], "nothing depends on the seed"


def test_a_score_that_is_not_reproduced_fails(monkeypatch, tmp_path):
    monkeypatch.setattr(
        rerun, "rerun", lambda path: rerun.Reproduction(0.9, 0.5, 40, 0.05)
    )
    (tmp_path / "a.json").touch()
    assert CliRunner().invoke(app, ["rerun", str(tmp_path / "a.json")]).exit_code == 1
    assert (
        rerun.Reproduction(0.9, 0.71, 40, 0.05).holds
        and not rerun.Reproduction(0.71, 0.92, 40, 0.05).holds
    )


def scored(value, seed, **changes):
    score = {"value": value, "standard_error": 0.01}
    return {
        "config": {"task": "ocr", "training": {"seed": seed}} | changes,
        "scores": {"test": {"all": score}},
    }


def test_noise_is_that_of_runs_which_differ_in_the_seed_alone():
    runs = [
        scored(0.5, 0),
        scored(0.6, 1),
        scored(0.7, 2),
        scored(0.1, 0, task="knowledge"),
        {"name": "question_only"},
    ]
    assert rerun.seed_noise(runs[0], runs) == pytest.approx(2**0.5 * 0.1)
    assert rerun.seed_noise(runs[0], runs[:1]) == pytest.approx(2**0.5 * 0.01)
    assert rerun.seed_noise(runs[0], [runs[0], scored(0.5, 1)]) == pytest.approx(
        2**0.5 * 0.01
    )


@pytest.mark.parametrize(
    "changes", [{"schema": 0}, {"id": "0123456789ab"}, {"held_out": True}]
)
def test_a_file_that_is_not_of_the_run_it_names_is_refused(changes):
    run = grid_run("ocr", language_size(32), QueCCConfig(), 4)
    result = {"id": identity(run), "schema": SCHEMA, "config": to_dict(run)}
    assert config_of(result) == run
    result["config"] |= {
        name: value for name, value in changes.items() if name in result["config"]
    }
    with pytest.raises(ValueError, match="would today be"):
        config_of(result | changes)
    with pytest.raises(ValueError, match="no config"):
        config_of({"name": "question_only"})
