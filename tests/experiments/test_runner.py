import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vlmcore.config import (
    LanguageConfig,
    LoRAConfig,
    MLPConfig,
    PruMergeConfig,
    QueCCConfig,
    VLMConfig,
    from_dict,
    replace,
)
from vlmcore.data import easyvqa
from vlmcore.experiments import FAMILIES, run_config, runner, sweep
from vlmcore.experiments.run_config import (
    RunConfig,
    config_of,
    identity,
    method,
    preset,
    weights_of,
)
from vlmcore.experiments.runner import run_cell
from vlmcore.experiments.suites import EXPERIMENTS
from vlmcore.experiments.suites.comparison import COMPARISON
from vlmcore.experiments.tasks import TASKS, TaskData, load_task, synthetic
from vlmcore.files import read_results, write_json
from vlmcore.models.language import LanguageModel
from vlmcore.training.stages import TrainingConfig
from vlmcore.training.trainer import StageConfig

SHORT = RunConfig(
    training=TrainingConfig(StageConfig(3, 1e-3, 8), StageConfig(4, 1e-3, 8)),
    text=StageConfig(4, 1e-3, 8),
)


@pytest.fixture
def little_data(monkeypatch):
    """The first images of easy-VQA, so that a whole run takes seconds."""
    whole = load_task()

    def little(samples, count):
        return [sample for sample in samples if sample.image < count]

    task = TaskData(
        little(whole.train, 12),
        little(whole.test, 8),
        whole.train_images[:12],
        whole.test_images[:8],
    )
    monkeypatch.setattr(
        runner, "load_task", lambda name="easyvqa", held_out=False: task
    )
    return task


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


def test_a_run_writes_one_complete_result_and_is_not_repeated(little_data, tmp_path):
    result = run_cell(SHORT, tmp_path / "results", tmp_path / "work")
    (path,) = (tmp_path / "results").iterdir()
    assert (
        path.name == f"{identity(SHORT)}.json"
        and json.loads(path.read_text()) == result
    )
    test = result["scores"]["test"]["all"]
    assert 0 <= test["value"] <= 1 and test["count"] == len(
        [s for s in easyvqa.load("test").samples if s.image < 8]
    )
    assert len(result["right"]) == test["count"] and result["right"].count(
        "1"
    ) == round(test["value"] * test["count"])
    assert set(test) == {"value", "count", "parseable", "chance", "standard_error"}
    assert (
        sum(
            v["count"]
            for kind, v in result["scores"]["shuffled"].items()
            if kind != "all"
        )
        == test["count"]
    )
    assert result["device"] == "cpu"
    assert (
        result["config"]["model"]["visual_tokens"] == 1
        and result["parameters"]["language"] > 1e5
    )

    stamp = path.stat().st_mtime_ns
    assert run_cell(SHORT, tmp_path / "results", tmp_path / "work") == result
    assert path.stat().st_mtime_ns == stamp


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_run_can_be_trained_and_scored_on_a_gpu(little_data, tmp_path):
    assert (
        run_cell(SHORT, tmp_path / "results", tmp_path / "work", accelerator="auto")[
            "device"
        ]
        == "cuda"
    )


@pytest.mark.slow
def test_the_same_run_gives_the_same_result_bit_for_bit(little_data, tmp_path):
    once = run_cell(SHORT, tmp_path / "a", tmp_path / "work")
    own = (
        tmp_path / "work" / identity(SHORT)
        # the language model and the features of the first are shared, its training is
        # not
    )
    weights = {path.name: path.read_bytes() for path in own.glob("*.safetensors")}
    shutil.rmtree(own)
    again = run_cell(SHORT, tmp_path / "b", tmp_path / "work")
    assert (
        len(weights) == 2
        and {path.name: path.read_bytes() for path in own.glob("*.safetensors")}
        == weights
    )
    assert again["scores"] == once["scores"]


def test_held_out_runs_never_touch_the_test_split():
    task = load_task(held_out=True)
    assert {s.image for s in task.train}.isdisjoint({s.image for s in task.test})
    assert np.array_equal(task.test_images, easyvqa.load("train").images)


def test_development_worlds_are_other_worlds(monkeypatch):
    monkeypatch.setattr(synthetic, "TRAIN_SCENES", 20)
    monkeypatch.setattr(synthetic, "TEST_SCENES", 10)
    load = load_task.__wrapped__  # past the cache, which other tests fill
    reported, development = load("letters"), load("letters", held_out=True)
    assert (
        len(reported.train) == 20 * synthetic.QUESTIONS
        and len(reported.test) == len(reported.test_images) == 10
    )
    images = [
        task_images
        for task in (reported, development)
        for task_images in (task.train_images[:10], task.test_images)
    ]
    assert len({part.tobytes() for part in images}) == 4
    with pytest.raises(
        ValueError,
        match="no task 'vqa'; choose from easyvqa, word_facts, letters, attribute",
    ):
        load("vqa")


def test_runs_that_share_weights_are_done_by_one_worker_and_trained_once():
    configs = EXPERIMENTS["comparison"]()
    assert (
        len({identity(config) for config in configs})
        == len(configs)
        == 2 * 3 * (1 + 6 * 3 + 6 * 2)
    )
    groups = sweep.by_weights(configs)
    assert sorted(identity(c) for group in groups for c in group) == sorted(
        map(identity, configs)
    )
    by_method = {
        tuple(sorted({method(c.model.compressor) for c in group})) for group in groups
    }
    assert ("mlp", "prumerge") in by_method and ("m3",) in by_method
    assert all(
        len({c.training.seed for c in group}) == len({c.task for c in group}) == 1
        for group in groups
    )
    assert all(weights_of(weights_of(c)) == weights_of(c) for c in configs)
    assert COMPARISON.training == replace(configs[0].training, seed=0)


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


def test_prumerge_is_scored_with_the_weights_of_the_uncompressed_run(
    little_data, tmp_path
):
    """Its projector and language model are those of the uncompressed run."""
    runs = [
        replace(SHORT, model=VLMConfig(compressor=c, visual_tokens=v))
        for c, v in ((MLPConfig(), 144), (PruMergeConfig(), 4))
    ]
    own = tmp_path / identity(runs[0])
    (uncompressed, _), (pruned, read) = (
        runner.train(run, [little_data], tmp_path, progress=False) for run in runs
    )
    assert [
        path.name for path in tmp_path.glob("*") if (path / "tune.safetensors").exists()
    ] == [own.name]
    assert pruned.config.visual_tokens == 4 and isinstance(
        pruned.config.compressor, PruMergeConfig
    )
    for part in ("compressor.projection", "language"):
        mine, theirs = (
            pruned.get_submodule(part).state_dict(),
            uncompressed.get_submodule(part).state_dict(),
        )
        assert mine.keys() == theirs.keys() and all(
            torch.equal(mine[name], theirs[name]) for name in mine
        )
    assert read > 7 * 8 * 144


def test_a_pretrained_model_goes_through_the_same_run(little_data, tokenizer, tmp_path):
    """A tiny checkpoint in place of SmolLM2, frozen and then fine-tuned with LoRA."""
    sizes = LanguageConfig(vocab_size=64, width=24, depth=1, heads=2, mlp_width=40)
    LanguageModel.from_config(sizes, tokenizer).save_pretrained(tmp_path / "lm")
    training = replace(
        SHORT.training, tune=StageConfig(11, 1e-3, 8), lora=LoRAConfig(rank=2)
    )
    config = replace(
        SHORT,
        pretrained=str(tmp_path / "lm"),
        training=training,
        embedding_targets=True,
    )
    assert identity(config) != identity(SHORT)
    result = run_cell(config, tmp_path / "results", tmp_path / "work")
    assert (
        result["config"]["pretrained"] == config.pretrained
        and result["config"]["training"]["lora"]["rank"] == 2
    )
    assert (
        result["parameters"]["language"] < 1e4
        and from_dict(RunConfig, result["config"]).training.lora == config.training.lora
    )
    (tuned,) = result[
        "losses"
    ].values()  # a loss is logged every ten steps, and alignment took three
    assert tuned["step"] == [9] and tuned["loss"][0] > 0
    weights = load_file(tmp_path / "work" / identity(config) / "tune.safetensors")
    assert {name.split(".")[0] for name in weights} == {"compressor", "language"}
    assert all(".lora_" in name for name in weights if name.startswith("language"))


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


def test_a_mixture_is_trained_in_turn_and_scored_on_all_its_parts(
    little_data, tmp_path, monkeypatch
):
    alone = run_cell(SHORT, tmp_path / "alone", tmp_path / "work")
    monkeypatch.setattr(type(TASKS["easyvqa"]), "parts", property(lambda t: (t, t)))
    result = run_cell(
        SHORT, tmp_path / "both", tmp_path / "work"
    )  # finds the model of the first run trained
    assert result["right"] == 2 * alone["right"]
    for split, scores in alone["scores"].items():
        assert {k: (s["value"], 2 * s["count"]) for k, s in scores.items()} == {
            k: (s["value"], s["count"]) for k, s in result["scores"][split].items()
        }


def test_pending_runs_are_those_without_a_result(tmp_path):
    configs = EXPERIMENTS["easyvqa"]()
    write_json(tmp_path / f"{identity(configs[3])}.json", {})
    assert sweep.pending(configs, tmp_path) == configs[:3] + configs[4:]


def test_presets():
    assert preset("cpu") == RunConfig()
    assert preset("smoke").training.tune.steps < 50 and isinstance(
        preset("gpu").model.compressor, QueCCConfig
    )
    with pytest.raises(ValueError, match="'tpu'; choose from smoke, cpu, gpu"):
        preset("tpu")


def test_results_are_whole_or_not_there(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not list(tmp_path.glob("*.json"))
    with pytest.raises(FileNotFoundError, match="holds no result"):
        read_results(tmp_path)
    (tmp_path / "b.json").write_text('{"x": 1,\n')
    with pytest.raises(ValueError, match=r"b.json is damaged at line 2"):
        read_results(tmp_path)


def test_parts_of_a_sweep_are_disjoint_and_complete():
    configs = EXPERIMENTS["easyvqa"]()
    parts = [sweep.share(configs, f"{i}/4") for i in (1, 2, 3, 4)]
    names = [identity(config) for part in parts for config in part]
    assert (
        sorted(names) == sorted(map(identity, configs))
        and sweep.share(configs, "1/1") == configs
    )
    for wrong in ("0/4", "5/4", "a/b", "3", ""):
        with pytest.raises(ValueError, match="is no part"):
            sweep.share(configs, wrong)


def test_workers_end_with_the_sweep(tmp_path):
    """A killed sweep leaves no worker behind that goes on training."""
    script = tmp_path / "sweep.py"
    script.write_text(
        "import multiprocessing, os, time\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from vlmcore.experiments.sweep import _end_with_the_parent\n"
        "if __name__ == '__main__':\n"
        "    pool = ProcessPoolExecutor(1, multiprocessing.get_context('spawn'), "
        "_end_with_the_parent)\n"
        "    print(pool.submit(os.getpid).result(), flush=True)\n"
        "    pool.submit(time.sleep, 600).result()\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True
    )
    worker = int(process.stdout.readline())
    process.kill()
    process.wait()
    for _ in range(100):
        time.sleep(0.1)
        if (
            not Path(f"/proc/{worker}").exists()
            or "zombie" in Path(f"/proc/{worker}/status").read_text()
        ):
            return
    pytest.fail("the worker is still alive ten seconds after its sweep was killed")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_shipped_results_are_of_the_runs_they_are_named_for(name):
    """Names leave defaults out: a changed default needs another SCHEMA."""
    configs = {identity(config): config for config in EXPERIMENTS[name]()}
    if (
        name in ("real", "ablation", "grid-gpu")
        and not Path(f"book/results/{name}").exists()
    ):
        pytest.skip("none of these runs is shipped yet")
    results = [
        result for result in read_results(f"book/results/{name}") if "seed" in result
    ]
    assert len(results) >= (1 if name == "real" else 6)
    for result in results:
        assert config_of(result) == configs[result["id"]]
