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
from PIL import Image

from vlmcore.config import PoolConfig
from vlmcore.data.benchmarks.llava import Answer, append_answers, read_answers
from vlmcore.data.benchmarks.question import Question
from vlmcore.evaluation.benchmarks import (
    Benchmark,
    ask,
    evaluate,
    points,
    score,
)
from vlmcore.evaluation.sources import SOURCES, load_benchmark

SAMPLES = Path(__file__).parents[1] / "data" / "benchmarks" / "files"


class Oracle:
    """A stand-in for a model: it knows the right answers and keeps what it is asked."""

    def __init__(self, questions, dies_after=None):
        self.vision = SimpleNamespace(padding=(122, 116, 104))
        self.right, self.asked, self.dies_after = {}, [], dies_after
        for question in questions:
            self.right.setdefault(question.prompt, []).append(
                max(Counter(question.answers).items(), key=lambda pair: pair[1])[0]
            )

    def made_of(self):
        return {"name": "oracle"}

    def ask(self, images, prompts, max_new_tokens):
        assert len(images) == len(prompts)
        if self.dies_after is not None and len(self.asked) >= self.dies_after:
            raise KeyboardInterrupt
        self.asked += prompts
        return [f" {self.right[prompt].pop(0)}\n" for prompt in prompts]


@pytest.fixture
def copied(tmp_path):
    """A folder of the samples in which a test may damage an image."""
    return Path(shutil.copytree(SAMPLES, tmp_path / "benchmarks"))


@pytest.mark.parametrize("name", SOURCES)
def test_the_right_answers_get_full_marks(name, tmp_path):
    benchmark = load_benchmark(name, SAMPLES)
    questions = list(benchmark.questions())
    found = evaluate(
        Oracle(questions), benchmark, tmp_path / "answers.jsonl", batch_size=4
    )
    full = 200.0 * len({q.kind for q in questions}) if name == "mme" else 1.0
    annotators_disagree = name in ("vqav2", "vizwiz", "textvqa")
    assert full * (0.9 if annotators_disagree else 1) <= found.headline.value <= full
    assert found.headline.parseable == 1 and found.unreadable == []
    answers = list(read_answers(tmp_path / "answers.jsonl"))
    assert [(a.id, a.prompt) for a in answers] == [(q.id, q.prompt) for q in questions]


@pytest.mark.parametrize("name", SOURCES)
def test_ignoring_the_answers_or_changing_one_moves_the_score(name, tmp_path):
    benchmark = load_benchmark(name, SAMPLES)
    evaluate(Oracle(benchmark.questions()), benchmark, tmp_path / "a", model="m")
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
    first = evaluate(Oracle(benchmark.questions()), benchmark, tmp_path / "a")
    append_answers(tmp_path / "b", reversed(list(read_answers(tmp_path / "a"))))
    assert score(benchmark, tmp_path / "b") == first


def test_a_real_model_can_be_asked(make_vlm, tmp_path):
    benchmark = load_benchmark("gqa", SAMPLES)
    vlm = make_vlm(PoolConfig(), 1)
    whole = evaluate(vlm, benchmark, tmp_path / "a", batch_size=100, max_new_tokens=3)
    assert whole.headline.count == 6
    evaluate(vlm, benchmark, tmp_path / "b", batch_size=1, max_new_tokens=3)
    one, other = ([a.text for a in read_answers(tmp_path / f)] for f in "ab")
    assert one == other


@pytest.mark.parametrize("batch_size", [1, 4, 7])
def test_a_stopped_run_resumes_and_asks_at_most_a_batch_again(tmp_path, batch_size):
    benchmark = load_benchmark("pope", SAMPLES)
    path, model = tmp_path / "answers", Oracle(benchmark.questions(), dies_after=8)
    with pytest.raises(KeyboardInterrupt):
        ask(model, benchmark, path, batch_size=batch_size)
    with path.open("a") as file:
        file.write('{"question_id": "torn')
    again = Oracle(benchmark.questions())
    evaluate(again, benchmark, path, batch_size=batch_size)
    ids = [answer.id for answer in read_answers(path)]
    assert ids == [question.id for question in benchmark.questions()]
    assert len(model.asked) + len(again.asked) <= len(ids) + batch_size


def test_answers_of_another_model_or_image_are_refused(make_vlm, copied, tmp_path):
    """They were scored as the second model's once. Nothing in the file changes."""
    benchmark, path = load_benchmark("gqa", copied), tmp_path / "answers"
    vlm, options = make_vlm(PoolConfig(), 1), {"max_new_tokens": 3}
    evaluate(vlm, benchmark, path, **options)
    path.write_bytes(path.read_bytes() + b'{"question_id": "torn')
    before = path.read_bytes()
    other = make_vlm(PoolConfig(), 1)
    other.language.model.get_output_embeddings().weight.data[3, 3] += 1e-3
    for model, changed, what in (
        (other, {}, "weights"),
        (make_vlm(PoolConfig(), 4), {}, "weights"),
        (vlm, {"max_new_tokens": 4}, "max_new_tokens"),
    ):
        with pytest.raises(ValueError, match=rf"line 1.*here: {what}\); give another"):
            evaluate(model, benchmark, path, **options | changed)
    assert evaluate(vlm, benchmark, path, **options).headline.count == 6
    image = next(iter(benchmark.questions())).image
    Image.new("RGB", (72, 72)).save(image)
    with pytest.raises(ValueError, match=r"different here: image\)"):
        evaluate(vlm, benchmark, path, **options)
    assert path.read_bytes() == before[: before.rfind(b"\n") + 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("my notes", r"ends with b'my notes', which is no answer; give another file"),
        ("my notes\n", "line 1: this is not JSON"),
        ('{"question_id": 7, "text": "red"}', "line 1: answers 7"),
        ('{"question_id": 7, "text": "red"}\n{"questi', "line 1: answers 7"),
    ],
)
def test_a_file_of_others_is_refused_and_left_alone(tmp_path, text, message):
    benchmark, path = load_benchmark("pope", SAMPLES), tmp_path / "notes"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        ask(Oracle(benchmark.questions()), benchmark, path)
    assert path.read_text() == text


KILLED = """
import sys, time
from pathlib import Path
from tests.evaluation.test_benchmarks import Oracle, SAMPLES
from vlmcore.evaluation.benchmarks import ask
from vlmcore.evaluation.sources import load_benchmark
benchmark = load_benchmark("pope", SAMPLES)
class Slow(Oracle):
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
    evaluate(Oracle(benchmark.questions()), benchmark, path)
    assert [answer.id for answer in read_answers(path)] == [
        question.id for question in benchmark.questions()
    ]


@pytest.mark.parametrize("name, left_out", [("gqa", 2), ("mme", 2), ("pope", 6)])
def test_an_unreadable_image_is_counted_and_neither_right_nor_wrong(
    copied, name, left_out, tmp_path
):
    benchmark = load_benchmark(name, copied)
    questions = list(benchmark.questions())
    damaged = questions[0].image
    damaged.write_bytes(damaged.read_bytes()[:300])
    oracle = Oracle(q for q in questions if q.image != damaged)
    found = evaluate(oracle, benchmark, tmp_path / "answers")
    assert len(found.unreadable) == left_out
    assert "cannot be decoded" in found.unreadable[0]
    assert found.headline.count == len(questions) - left_out
    assert found.headline.value == (200 if name == "mme" else 1)


def test_an_unreadable_rotation_leaves_out_the_whole_question(copied, tmp_path):
    table = copied / "mmbench" / "mmbench_dev_20230712.tsv"
    rows = pd.read_table(table, dtype=str)
    rows.loc[4, "image"] = rows.loc[4, "image"][:300]
    rows.to_csv(table, sep="\t", index=False)
    benchmark = load_benchmark("mmbench", copied)
    oracle = Oracle(q for i, q in enumerate(benchmark.questions()) if i != 4)
    found = evaluate(oracle, benchmark, tmp_path / "answers")
    assert (found.headline.count, found.headline.value) == (2, 1)
    assert len(found.unreadable) == 4
    assert sum("another image" in reason for reason in found.unreadable) == 3


def test_a_missing_image_stops_the_run(copied, tmp_path):
    benchmark = load_benchmark("gqa", copied)
    next(iter(benchmark.questions())).image.unlink()
    message = r"field 'image', .*n0\.jpg, is missing"
    with pytest.raises(FileNotFoundError, match=message):
        evaluate(Oracle(benchmark.questions()), benchmark, tmp_path / "answers")


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
    question = Question(1, "a?", None, (), "all", "f, item 1")
    append_answers(tmp_path / "answers", [Answer(1, "a?", "red", "m", {})])
    message = "f, item 1: question 1 has no right answer; write_submission"
    with pytest.raises(ValueError, match=message):
        score(Benchmark("gqa", lambda: [question]), tmp_path / "answers")


def test_something_must_be_left_to_score(copied, tmp_path):
    benchmark = load_benchmark("gqa", copied)
    for image in (copied / "gqa" / "images").iterdir():
        image.write_bytes(b"")
    message = r"answers has no answer that can be scored; 6 are left out because of"
    with pytest.raises(ValueError, match=message):
        evaluate(Oracle([]), benchmark, tmp_path / "answers")


def test_points_are_those_of_each_answer(tmp_path):
    benchmark = load_benchmark("vqav2", SAMPLES)
    found = evaluate(Oracle(benchmark.questions()), benchmark, tmp_path / "a")
    worth = points(benchmark, tmp_path / "a")
    assert list(worth) == [question.id for question in benchmark.questions()]
    assert sum(worth.values()) / len(worth) == pytest.approx(found.headline.value)
