import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

from vlmcore.config import (
    LanguageConfig,
    LoRAConfig,
    MLPConfig,
    PruMergeConfig,
    VLMConfig,
    from_dict,
    replace,
)
from vlmcore.data import easyvqa
from vlmcore.experiments import runner
from vlmcore.experiments.run_config import (
    RunConfig,
    identity,
)
from vlmcore.experiments.runner import run_cell
from vlmcore.experiments.tasks import TASKS, TaskData, load_task
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
    monkeypatch.setattr(runner, "load_task", lambda *split: task)
    return task


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


def test_a_mixture_is_trained_in_turn_and_scored_on_all_its_parts(
    little_data, tmp_path, monkeypatch
):
    alone = run_cell(SHORT, tmp_path / "alone", tmp_path / "work")
    with monkeypatch.context() as patch:
        patch.setattr(type(TASKS["easyvqa"]), "parts", property(lambda t: (t, t)))
        with pytest.raises(ValueError, match=r"align.json.*different here: data"):
            run_cell(SHORT, tmp_path / "both", tmp_path / "work")
        result = run_cell(SHORT, tmp_path / "both", tmp_path / "other")
    half = len(alone["right"])
    assert result["right"][:half] == result["right"][half:]
    for split, scores in alone["scores"].items():
        assert {k: 2 * s["count"] for k, s in scores.items()} == {
            k: s["count"] for k, s in result["scores"][split].items()
        }
