"""`vlmcore evaluate` and `vlmcore compare` on inputs as a stranger may give them."""

import errno
import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from typer.testing import CliRunner

from tests.evaluation.hub_families import tokenizer
from tests.evaluation.test_benchmarks import SAMPLES, Oracle
from vlmcore.cli import app
from vlmcore.evaluation import benchmarks
from vlmcore.evaluation.benchmarks import ask
from vlmcore.evaluation.rules import RULES, rules_of
from vlmcore.evaluation.sources import SOURCES, load_benchmark
from vlmcore.files import held

USUAL = ["--workers", "0", "--max-new-tokens", "2"]


@pytest.fixture
def data(tmp_path):
    """A folder of the samples in which a test may damage a file."""
    return Path(shutil.copytree(SAMPLES, tmp_path / "data"))


def command(name, *arguments, env=None):
    result = CliRunner(env=env).invoke(app, [name, *map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def evaluated(model, benchmark, folder, *options):
    out = folder.parent / "out"
    places = ["--data", folder, "--out", out]
    result = command("evaluate", model, benchmark, *places, *USUAL, *options)
    assert result.exit_code == 0, result.output
    return next(out.rglob(f"{benchmark}.json"))


def refused(name, *arguments, env=None):
    """The sentence of a command that must end with one."""
    result = command(name, *arguments, env=env)
    assert result.exit_code == 2, result.output
    return result.output


def refused_without_a_model(benchmark, folder, *options, env=None):
    """What is wrong is found before a model, which is none here, is loaded."""
    arguments = ["no-model", benchmark, "--data", folder, *options]
    return refused("evaluate", *arguments, env=env)


@pytest.mark.parametrize(
    "benchmark, rule", [("pope", "mme"), ("vqav2", "gqa"), ("textvqa", "vizwiz")]
)
def test_a_rule_of_another_benchmark_is_refused_before_anything_is_asked(
    benchmark, rule
):
    said = refused_without_a_model(benchmark, SAMPLES, "--rule", rule)
    known = f"rule {rule!r} is not known; choose from "
    assert known + ", ".join(rules_of(benchmark)) in said


def test_every_rule_is_one_of_some_benchmark():
    assert {rule for name in SOURCES for rule in rules_of(name)} == RULES.keys()
    assert rules_of("pope") == ["pope", "pope_lenient"]
    assert {"vqav2_official", "anls", "exact"} <= set(rules_of("textvqa"))


def test_the_folder_of_a_benchmark_is_taken_for_that_of_all():
    said = refused_without_a_model("pope", SAMPLES / "pope")
    assert f"give the folder that {SAMPLES / 'pope'} is in" in said


def unbalanced(text):
    questions = json.loads(text)
    return json.dumps({k: q | {"isBalanced": False} for k, q in questions.items()})


@pytest.mark.parametrize(
    "file, change, message",
    [
        ("pope/coco_pope_random.json", lambda _: "", "random.json is empty; get it"),
        ("pope/coco_pope_random.json", lambda _: "[]", "random.json is empty; get it"),
        ("gqa/testdev_balanced_questions.json", lambda _: "{}", "no question to be"),
        ("gqa/testdev_balanced_questions.json", unbalanced, "no question to be asked"),
        ("scienceqa/pid_splits.json", lambda _: '{"test": []}', "no question to be"),
        ("mme", None, "there is no question to be asked in"),
    ],
)
def test_files_without_a_question_are_no_score(data, file, change, message):
    path = data / file
    if change:
        path.write_text(change(path.read_text()))
    else:
        for text in path.rglob("*.txt"):
            text.unlink()
    assert message in refused_without_a_model(file.partition("/")[0], data)


def test_one_image_cannot_be_permuted(data):
    path = data / "gqa" / "testdev_balanced_questions.json"
    questions = json.loads(path.read_text())
    same = {name: q | {"imageId": "n0"} for name, q in questions.items()}
    path.write_text(json.dumps(same))
    said = refused_without_a_model("gqa", data, "--images", "permuted")
    assert "1 images cannot be permuted" in said


def test_ranks_that_are_no_numbers_are_no_share(hub_llava, tmp_path):
    env = {"RANK": "first", "WORLD_SIZE": "2"}
    arguments = [hub_llava, "gqa", "--data", SAMPLES, "--out", tmp_path]
    said = refused("evaluate", *arguments, "--share", "auto", env=env)
    assert "'first/2' is no share" in said


def cut_weights(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def no_weights(folder):
    (folder / "model.safetensors").unlink()


def text_only(folder):
    shutil.rmtree(folder)
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1}
    config = LlamaConfig(vocab_size=40, num_attention_heads=1, **sizes)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer().save_pretrained(folder)


@pytest.mark.parametrize(
    "change, message",
    [
        (cut_weights, "model.safetensors is damaged: 1000 bytes cannot hold"),
        (no_weights, "no vision-language model can be loaded from"),
        (text_only, "and no processor of images and text; give a vision-language"),
    ],
)
def test_a_folder_that_holds_no_whole_model(hub_llava, tmp_path, change, message):
    folder = Path(shutil.copytree(hub_llava, tmp_path / "model"))
    change(folder)
    assert message in refused("evaluate", folder, "gqa", "--data", SAMPLES)


def test_a_device_without_memory_of_its_own_is_none(hub_llava):
    arguments = [hub_llava, "gqa", "--data", SAMPLES, "--device", "meta"]
    assert "there is no device 'meta' here" in refused("evaluate", *arguments)


def test_only_results_are_compared(hub_llava, data, tmp_path):
    path = evaluated(hub_llava, "gqa", data)
    for name, content, message in (
        ("other.json", b'{"a": 1}', "other.json is no result; give JSON files of"),
        ("list.json", b"[1]", "list.json is no result; give JSON files of"),
        ("bytes.json", b"\xff\xfe\x00", "bytes.json is no text"),
    ):
        (tmp_path / name).write_bytes(content)
        assert message in refused("compare", path, tmp_path / name)
    assert "there is no file" in refused("compare", path, tmp_path / "none.json")
    assert "there is no file" in refused("compare", path.parent)
    path.with_suffix(".jsonl").unlink()
    assert "gqa.jsonl is missing, which has the answers" in refused("compare", path)


def test_answers_that_a_server_scores_are_not_compared(hub_llava, data):
    file = data / "vizwiz" / "val.json"
    asked = [
        {key: entry[key] for key in ("image", "question")}
        for entry in json.loads(file.read_text())
    ]
    file.write_text(json.dumps(asked))
    path = evaluated(hub_llava, "vizwiz", data)
    assert "has no score, since only a server" in refused("compare", path)


@pytest.mark.parametrize("content", ["[]", "{}", "{"])
def test_a_damaged_result_is_not_written_over(hub_llava, data, content):
    path = evaluated(hub_llava, "gqa", data)
    path.write_text(content)
    arguments = [hub_llava, "gqa", "--data", data, "--out", path.parents[1], *USUAL]
    assert str(path) in refused("evaluate", *arguments)
    assert path.read_text() == content


def test_two_processes_do_not_answer_in_one_file(tmp_path):
    benchmark, path = load_benchmark("pope", SAMPLES), tmp_path / "answers"
    path.touch()
    with (
        held(path) as alone,
        pytest.raises(ValueError, match=r"another process adds to .*give each a share"),
    ):
        assert alone
        ask(Oracle(benchmark.questions()), benchmark, path)
    assert path.read_text() == ""
    assert ask(Oracle(benchmark.questions()), benchmark, path) > 0


def test_a_batch_that_does_not_fit_keeps_the_answers_before(tmp_path):
    class Full(Oracle):
        def ask(self, images, prompts, max_new_tokens):
            if self.asked:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().ask(images, prompts, max_new_tokens)

    benchmark, path = load_benchmark("pope", SAMPLES), tmp_path / "answers"
    with pytest.raises(ValueError, match="no memory for 4 questions at once; ask few"):
        ask(Full(benchmark.questions()), benchmark, path, batch_size=4)
    assert path.read_text().count("\n") == 4


def test_a_full_disk_is_a_sentence_and_the_run_resumes(hub_llava, data, monkeypatch):
    def full(path, answers):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    arguments = [hub_llava, "gqa", "--data", data, "--out", data.parent / "out", *USUAL]
    with monkeypatch.context() as patch:
        patch.setattr(benchmarks, "append_answers", full)
        said = refused("evaluate", *arguments)
    assert "gqa.jsonl: No space left on device; make room on the disk, or" in said
    assert command("evaluate", *arguments).exit_code == 0
