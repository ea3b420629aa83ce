import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from vlmcore.cli import app
from vlmcore.config import PoolConfig
from vlmcore.data.benchmarks.llava import Answer, append_answers, read_answers
from vlmcore.data.benchmarks.question import Question
from vlmcore.evaluation.benchmarks import Benchmark, ask, evaluate, score, square
from vlmcore.evaluation.rules import RULES
from vlmcore.evaluation.sources import SOURCES, commands, load_benchmark
from vlmcore.evaluation.submissions import write_submission

SAMPLES = Path(__file__).parents[1] / "data" / "benchmarks"


class Knows:
    """Stands for a model that knows the right answers by heart, and counts what it is asked."""

    def __init__(self, questions, dies_after=None):
        self.vision = SimpleNamespace(
            config=SimpleNamespace(image_size=72), mean=torch.full((1, 3, 1, 1), 0.5)
        )
        self.right, self.asked, self.dies_after = {}, [], dies_after
        for question in questions:
            self.right.setdefault(question.prompt, []).append(
                max(Counter(question.answers).items(), key=lambda pair: pair[1])[0]
            )

    def ask(self, images, prompts, max_new_tokens):
        assert images.shape == (len(prompts), 3, 72, 72) and images.dtype == torch.uint8
        if self.dies_after is not None and len(self.asked) >= self.dies_after:
            raise KeyboardInterrupt
        self.asked += prompts
        return [f" {self.right[prompt].pop(0)}\n" for prompt in prompts]


@pytest.mark.parametrize("name", SOURCES)
def test_who_knows_gets_full_marks(name, tmp_path):
    benchmark = load_benchmark(name, SAMPLES)
    questions = list(benchmark.questions())
    found = evaluate(
        Knows(questions), benchmark, tmp_path / "answers.jsonl", batch_size=4
    )
    parts = {q.kind for q in questions}
    full = {"mme": 200.0 * len(parts)}.get(name, 1.0)
    if name in ("vqav2", "vizwiz", "textvqa"):
        assert 0.9 <= found.headline.value <= full
    else:
        assert found.headline.value == full
    assert found.headline.parseable == 1 and found.unreadable == []
    said = list(read_answers(tmp_path / "answers.jsonl"))
    assert [(a.id, a.prompt) for a in said] == [(q.id, q.prompt) for q in questions], (
        "in the order of the questions, each once"
    )


@pytest.mark.parametrize("name", SOURCES)
def test_ignoring_the_answers_or_changing_one_moves_the_score(name, tmp_path):
    benchmark = load_benchmark(name, SAMPLES)
    evaluate(Knows(benchmark.questions()), benchmark, tmp_path / "a", model="m")
    answers = list(read_answers(tmp_path / "a"))
    before = score(benchmark, tmp_path / "a").headline.value
    for changed in (
        [answers[0]._replace(text="not"), *answers[1:]],
        [a._replace(text="") for a in answers],
    ):
        (tmp_path / "b").unlink(missing_ok=True)
        append_answers(tmp_path / "b", changed)
        assert score(benchmark, tmp_path / "b").headline.value < before


def test_the_order_of_the_answers_does_not_matter(tmp_path):
    benchmark = load_benchmark("pope", SAMPLES)
    first = evaluate(Knows(benchmark.questions()), benchmark, tmp_path / "a")
    append_answers(tmp_path / "b", reversed(list(read_answers(tmp_path / "a"))))
    assert score(benchmark, tmp_path / "b") == first


def test_a_real_model_can_be_asked(make_vlm, tmp_path):
    benchmark = load_benchmark("gqa", SAMPLES)
    vlm = make_vlm(PoolConfig(), 1)
    whole = evaluate(vlm, benchmark, tmp_path / "a", batch_size=100, max_new_tokens=3)
    assert whole.headline.count == 6
    evaluate(vlm, benchmark, tmp_path / "b", batch_size=1, max_new_tokens=3)
    assert [a.text for a in read_answers(tmp_path / "a")] == [
        a.text for a in read_answers(tmp_path / "b")
    ]


@pytest.mark.parametrize("batch_size", [1, 4, 7])
def test_a_stopped_run_goes_on_with_at_most_a_batch_asked_again(tmp_path, batch_size):
    benchmark = load_benchmark("pope", SAMPLES)
    path, model = tmp_path / "answers", Knows(benchmark.questions(), dies_after=8)
    with pytest.raises(KeyboardInterrupt):
        ask(model, benchmark, path, batch_size=batch_size)
    with path.open("a") as file:
        file.write('{"question_id": "torn')
    again = Knows(benchmark.questions())
    evaluate(again, benchmark, path, batch_size=batch_size)
    ids = [answer.id for answer in read_answers(path)]
    assert ids == [question.id for question in benchmark.questions()]
    assert len(model.asked) + len(again.asked) <= len(ids) + batch_size


KILLED = """
import sys, time
from pathlib import Path
from tests.evaluation.test_benchmarks import Knows, SAMPLES
from vlmcore.evaluation.benchmarks import ask
from vlmcore.evaluation.sources import load_benchmark
benchmark = load_benchmark("pope", SAMPLES)
class Slow(Knows):
    def ask(self, *arguments):
        time.sleep(0.02)
        return super().ask(*arguments)
ask(Slow(benchmark.questions()), benchmark, sys.argv[1], batch_size=1)
"""


@pytest.mark.slow
def test_a_killed_process_leaves_no_answer_missing_or_twice(tmp_path):
    path = tmp_path / "answers"
    for lines in (4, 11):  # killed as soon as so many answers are there
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path)], cwd=Path(__file__).parents[2]
        )
        while process.poll() is None and (
            not path.exists() or path.read_bytes().count(b"\n") < lines
        ):
            pass
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    benchmark = load_benchmark("pope", SAMPLES)
    evaluate(Knows(benchmark.questions()), benchmark, path)
    assert [answer.id for answer in read_answers(path)] == [
        question.id for question in benchmark.questions()
    ]


@pytest.fixture
def broken(tmp_path):
    """The samples, with a function that spoils an image."""
    shutil.copytree(SAMPLES, tmp_path / "benchmarks")

    def spoil(name):
        path = next(
            q.image for q in load_benchmark(name, tmp_path / "benchmarks").questions()
        )
        path.write_bytes(path.read_bytes()[:300])

    return tmp_path / "benchmarks", spoil


@pytest.mark.parametrize("name, left_out", [("gqa", 2), ("mme", 2), ("pope", 6)])
def test_an_unreadable_image_is_counted_and_neither_right_nor_wrong(
    broken, name, left_out, tmp_path
):
    folder, spoil = broken
    benchmark = load_benchmark(name, folder)
    total = len(list(benchmark.questions()))
    whole = evaluate(Knows(benchmark.questions()), benchmark, tmp_path / "whole")
    spoil(name)
    knows = [
        q
        for q in benchmark.questions()
        if q.image != next(iter(benchmark.questions())).image
    ]
    found = evaluate(Knows(knows), benchmark, tmp_path / "answers")
    assert (
        len(found.unreadable) == left_out and "cannot be decoded" in found.unreadable[0]
    )
    assert found.headline.count == total - left_out
    if name != "mme":
        assert found.headline.value == whole.headline.value == 1


def test_an_image_lost_in_one_rotation_takes_the_whole_question_with_it(
    broken, tmp_path
):
    table = broken[0] / "mmbench" / "mmbench_dev_20230712.tsv"
    rows = pd.read_table(table, dtype=str)
    rows.loc[4, "image"] = rows.loc[4, "image"][:300]
    rows.to_csv(table, sep="\t", index=False)
    benchmark = load_benchmark("mmbench", broken[0])
    found = evaluate(
        Knows(q for i, q in enumerate(benchmark.questions()) if i != 4),
        benchmark,
        tmp_path / "answers",
    )
    assert (found.headline.count, found.headline.value, len(found.unreadable)) == (
        2,
        1,
        4,
    )
    assert sum("another image" in reason for reason in found.unreadable) == 3


def test_a_missing_image_stops_the_run(broken, tmp_path):
    benchmark = load_benchmark("gqa", broken[0])
    next(iter(benchmark.questions())).image.unlink()
    with pytest.raises(
        FileNotFoundError, match=r"field 'image' names .*n0\.jpg, which is missing"
    ):
        evaluate(Knows(benchmark.questions()), benchmark, tmp_path / "answers")


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda a: a[:-1], "has no answer"),
        (lambda a: [*a, a[0]], "line 7: a second answer to question '00000000'"),
        (
            lambda a: [*a, a[0]._replace(id="x")],
            "line 7: an answer to unknown question 'x'",
        ),
    ],
)
def test_answers_must_be_to_the_questions(tmp_path, change, message):
    benchmark = load_benchmark("gqa", SAMPLES)
    answers = [Answer(q.id, q.prompt, "red", "m", {}) for q in benchmark.questions()]
    append_answers(tmp_path / "answers", change(answers))
    with pytest.raises(ValueError, match=message):
        score(benchmark, tmp_path / "answers")


def test_there_must_be_a_rule_and_a_right_answer(tmp_path):
    with pytest.raises(ValueError, match="no rule 'okvqa'; choose from gqa, "):
        Benchmark("okvqa", list)
    unlabelled = Benchmark(
        "gqa", lambda: [Question(1, "a?", None, (), "all", "f, item 1")]
    )
    append_answers(tmp_path / "answers", [Answer(1, "a?", "red", "m", {})])
    with pytest.raises(
        ValueError, match="f, item 1: question 1 has no right answer; write_submission"
    ):
        score(unlabelled, tmp_path / "answers")


def test_images_are_padded_to_a_square_and_never_stretched():
    image = Image.new("RGB", (40, 20), (255, 0, 0))
    pixels = square(image, 80, (0.0, 0.0, 1.0))
    assert pixels.shape == (3, 80, 80)
    assert pixels[:, 40, 40].tolist() == [255, 0, 0] and pixels[:, 5, 40].tolist() == [
        0,
        0,
        255,
    ]
    untouched = torch.randint(256, (3, 8, 8), dtype=torch.uint8)
    assert torch.equal(
        square(Image.fromarray(untouched.permute(1, 2, 0).numpy()), 8, (0, 0, 0)),
        untouched,
    )


def test_submissions_are_what_the_servers_take(tmp_path):
    for name in ("vqav2", "vizwiz", "mmbench"):
        benchmark = load_benchmark(name, SAMPLES)
        answers = [
            Answer(q.id, q.prompt, "The two, RED.", "m", {})
            for q in benchmark.questions()
        ]
        append_answers(tmp_path / name, answers)
        write_submission(
            benchmark,
            tmp_path / name,
            tmp_path / f"{name}.{'xlsx' if name == 'mmbench' else 'json'}",
        )
    vqav2 = json.loads((tmp_path / "vqav2.json").read_text())
    assert vqav2[0] == {"question_id": 0, "answer": "2 red"} and len(vqav2) == 9
    assert json.loads((tmp_path / "vizwiz.json").read_text())[1] == {
        "image": "VizWiz_val_00000001.jpg",
        "answer": "2 red",
    }
    table = pd.read_excel(tmp_path / "mmbench.xlsx")
    assert (
        list(table) == ["index", "question", "A", "B", "C", "D", "prediction"]
        and len(table) == 12
    )
    assert (
        table["question"][0].endswith("?") and table["prediction"][0] == "The two, RED."
    )
    with pytest.raises(
        ValueError, match="pope is scored here; submissions are for vqav2"
    ):
        write_submission(
            load_benchmark("pope", SAMPLES), tmp_path / "vqav2", tmp_path / "x"
        )
    with pytest.raises(ValueError, match="has no answer"):
        write_submission(
            load_benchmark("vizwiz", SAMPLES), tmp_path / "vqav2", tmp_path / "x.json"
        )
    assert not list(tmp_path.glob("x*")), "nothing half written is left"


def test_every_source_has_a_rule_and_commands_that_only_print(tmp_path):
    assert set(SOURCES) < set(RULES)
    for name in SOURCES:
        lines = commands(name)
        assert lines[1] == f"mkdir -p data/benchmarks/{name}" and lines[-1].startswith(
            "# needed in"
        )
        assert all(
            line.startswith(("#", "mkdir", "curl -fL", "unzip -nq")) for line in lines
        )
    listed = CliRunner().invoke(app, ["sources", "--folder", str(SAMPLES)]).output
    assert all(f"{name:10} present" in listed for name in SOURCES)
    assert "missing" not in listed
    printed = CliRunner().invoke(app, ["sources", "pope", "--folder", str(tmp_path)])
    assert printed.output.splitlines() == commands("pope", tmp_path)
    assert not list(tmp_path.iterdir())
