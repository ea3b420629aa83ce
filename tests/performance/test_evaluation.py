"""What evaluation may cost: seconds on one core for the largest files there are, and memory that does not grow with them."""

import json
import random
import subprocess
import sys
import time

import pytest

from vlmcore.evaluation.metrics import VQAAccuracy
from vlmcore.evaluation.vqa_text import evalai, vqav2_official

pytestmark = pytest.mark.slow

ANSWERS, STRINGS, SIZES = 200_000, 60_000, (10_000, 60_000)
MEGABYTES_A_MILLION = 300


@pytest.mark.parametrize("normalizer", ["evalai", "vqav2_official"])
def test_200_000_vqa_answers_take_under_ten_seconds(normalizer):
    """As large as VQAv2's validation set, of as many different strings as it has."""
    rng = random.Random(0)
    words = [
        "red",
        "The",
        "two",
        "don't",
        "1,000",
        "it's",
        "cat.",
        "-",
        "left side",
        "10:30",
    ]
    texts = [f"{rng.choice(words)} {rng.choice(words)} {i}" for i in range(STRINGS)]
    references = [
        [*rng.choices(texts, k=3), *[rng.choice(texts)] * 7] for _ in range(ANSWERS)
    ]
    predictions = [rng.choice(people) for people in references]
    evalai.cache_clear()
    vqav2_official.cache_clear()
    started = time.process_time()
    metric = VQAAccuracy(normalizer)
    for start in range(0, ANSWERS, 10_000):
        part = slice(start, start + 10_000)
        metric.update(predictions[part], references[part])
    value = metric.scores()["all"].value
    took = time.process_time() - started
    assert 0.4 < value < 1
    assert took < 10, f"{took:.1f} s"


LARGE = """
import json, resource, sys
from pathlib import Path
from types import SimpleNamespace
import torch
from vlmcore.evaluation.benchmarks import Benchmark, evaluate
from vlmcore.data.benchmarks.yes_no import pope
from vlmcore.data.benchmarks.vqa import vqav2

class Yes:
    vision = SimpleNamespace(config=SimpleNamespace(image_size=8), mean=torch.full((1, 3, 1, 1), 0.5))
    def ask(self, images, prompts, max_new_tokens):
        return ["yes"] * len(prompts)

folder, name, sizes = Path(sys.argv[1]), sys.argv[2], [int(size) for size in sys.argv[3:]]
files = {"pope": lambda at: pope({"random": at / "pope.jsonl"}, at),
         "vqav2": lambda at: vqav2(at / "q.json", at, at / "a.json", image="x.png")}[name]
for size in sizes:
    # what is measured is reading, asking and scoring, and not the same image opened a million times
    read = lambda: (question._replace(image=None) for question in files(folder / str(size)))
    found = evaluate(Yes(), Benchmark(name, read), folder / f"{size}.jsonl", batch_size=1_000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([peak, found.headline.count, found.headline.value]))
"""


def write_pope(folder, count):
    with (folder / "pope.jsonl").open("w") as file:
        for i in range(count):
            file.write(
                json.dumps(
                    {
                        "question_id": i,
                        "image": "x.png",
                        "text": "Is there a dog?",
                        "label": ["yes", "no"][i % 2],
                    }
                )
                + "\n"
            )


def write_vqav2(folder, count):
    """A million questions with ten answers each would not fit into this memory if they were read at once."""
    with (
        (folder / "q.json").open("w") as questions,
        (folder / "a.json").open("w") as annotations,
    ):
        questions.write('{"questions": [')
        annotations.write('{"annotations": [')
        for i in range(count):
            comma = ", " * (i > 0)
            people = [
                {"answer": ["yes", f"no {i % 6000}"][j % 2], "answer_id": j}
                for j in range(10)
            ]
            questions.write(
                comma
                + json.dumps(
                    {"question_id": i, "image_id": i, "question": "Is there a dog?"}
                )
            )
            annotations.write(
                comma
                + json.dumps(
                    {"question_id": i, "answer_type": "yes/no", "answers": people}
                )
            )
        questions.write("]}")
        annotations.write("]}")


@pytest.mark.parametrize(
    "name, write, value", [("pope", write_pope, 2 / 3), ("vqav2", write_vqav2, 1.0)]
)
def test_memory_grows_by_less_than_300_mb_a_million_questions(
    tmp_path, name, write, value
):
    for size in SIZES:
        (tmp_path / str(size)).mkdir()
        write(tmp_path / str(size), size)
    command = [sys.executable, "-c", LARGE, str(tmp_path), name, *map(str, SIZES)]
    lines = subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    peaks, counts, values = zip(*map(json.loads, lines), strict=True)
    assert counts == SIZES and values == pytest.approx([value] * 2)
    growth = (peaks[1] - peaks[0]) / (SIZES[1] - SIZES[0]) * 1e6
    assert growth < MEGABYTES_A_MILLION, f"{growth:.0f} MB a million"


GENERATED = """
import json, resource, sys
from pathlib import Path
from vlmcore.data.benchmarks.question import Question
from vlmcore.evaluation.benchmarks import Benchmark, score

def mme(i):
    image = f"existence/{i // 2:012d}.jpg"
    return Question(f"{image}/{i % 2 + 1}", "?", None, (["Yes", "No"][i % 2],), "existence", "", group=image)

def mmbench(i):
    turn, options = i % 4, ("red", "blue", "teal", "gray")
    number = i // 4 + turn * 1_000_000
    return Question(number, "?", None, ("ABCD"[-turn % 4],), "toy", "", options[turn:] + options[:turn], i // 4, turn)

folder, name, sizes = Path(sys.argv[1]), sys.argv[2], [int(size) for size in sys.argv[3:]]
make, said = {"mme": (mme, "Yes"), "mmbench": (mmbench, "A")}[name]
for size in sizes:
    with (folder / "answers.jsonl").open("w") as file:
        file.writelines(json.dumps({"question_id": make(i).id, "text": said}) + "\\n" for i in range(size))
    found = score(Benchmark(name, lambda: map(make, range(size))), folder / "answers.jsonl")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([peak, found.headline.count, found.headline.value]))
"""


@pytest.mark.parametrize(
    "name, of_question, value", [("mme", 1, 50.0), ("mmbench", 1 / 4, 0.0)]
)
def test_states_that_grow_with_the_questions_stay_under_300_mb_a_million(
    tmp_path, name, of_question, value
):
    """MME and MMBench keep a row for each image or question; what they keep grows in proportion, and so is measured by its slope."""
    command = [sys.executable, "-c", GENERATED, str(tmp_path), name, *map(str, SIZES)]
    lines = subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    peaks, counts, values = zip(*map(json.loads, lines), strict=True)
    assert counts == tuple(size * of_question for size in SIZES) and values == (
        value,
        value,
    )
    growth = (peaks[1] - peaks[0]) / (SIZES[1] - SIZES[0]) * 1e6
    assert growth < MEGABYTES_A_MILLION, f"{growth:.0f} MB a million"
