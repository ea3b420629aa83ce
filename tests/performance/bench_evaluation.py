"""Scoring beside the rule without a cache, memory beside keeping every question."""

import json
import random
import subprocess
import sys

import pytest

from tests.performance.conftest import times_faster
from vlmcore.evaluation.metrics import VQAAccuracy
from vlmcore.evaluation.vqa_text import evalai

SIZES = (10_000, 60_000)


def agreement(said, people):
    """Leaves each person out in turn, as the rule says, normalising every text."""
    plain = evalai.__wrapped__
    said, people = plain(said), [plain(text) for text in people]
    others = (people[:i] + people[i + 1 :] for i in range(len(people)))
    return sum(min(1, rest.count(said) / 3) for rest in others) / len(people)


def bench_vqa_accuracy_beside_the_rule_as_written(record):
    """As often as in VQAv2 an answer is one that was given before."""
    rng = random.Random(0)
    words = ["red", "The", "two", "don't", "1,000", "it's", "cat.", "-", "10:30"]
    texts = [f"{rng.choice(words)} {rng.choice(words)} {i}" for i in range(1_500)]
    people = [
        [*rng.choices(texts, k=3), *[rng.choice(texts)] * 7] for _ in range(5_000)
    ]
    said = [rng.choice(answers) for answers in people]

    def score():
        evalai.cache_clear()
        metric = VQAAccuracy("evalai")
        metric.update(said, people)
        return metric.scores()["all"].value

    def by_the_rule():
        return sum(map(agreement, said, people)) / len(said)

    assert score() == pytest.approx(by_the_rule())
    record("VQA accuracy: rule as written / metric", times_faster(score, by_the_rule))


CHILD = """
import ctypes, json, sys
from pathlib import Path
from types import SimpleNamespace
import torch
from vlmcore.data.benchmarks.question import Question
from vlmcore.data.benchmarks.vqa import vqav2
from vlmcore.data.benchmarks.yes_no import pope
from vlmcore.evaluation.benchmarks import Benchmark, evaluate, score

class Yes:
    vision = SimpleNamespace(
        config=SimpleNamespace(image_size=8), mean=torch.full((1, 3, 1, 1), 0.5)
    )
    def made_of(self):
        return {}
    def ask(self, images, prompts, max_new_tokens):
        return ["yes"] * len(prompts)

def mme(i):
    image = f"existence/{i // 2:012d}.jpg"
    return Question(f"{image}/{i % 2 + 1}", "?", None, (["Yes", "No"][i % 2],),
                    "existence", "", group=image)

def mmbench(i):
    turn, options = i % 4, ("red", "blue", "teal", "gray")
    return Question(i // 4 + turn * 1_000_000, "?", None, ("ABCD"[-turn % 4],), "toy",
                    "", options[turn:] + options[:turn], i // 4, turn)

folder, name, keep = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "keep"
made = {"mme": (mme, "Yes"), "mmbench": (mmbench, "A")}

def read(size):
    at = folder / str(size)
    if name in made:
        return map(made[name][0], range(size))
    # reading, asking and scoring are measured, not an image opened a million times
    files = pope({"random": at / "pope.jsonl"}, at) if name == "pope" else vqav2(
        at / "q.json", at, at / "a.json", image="x.png")
    return (question._replace(image=None) for question in files)

ctypes.CDLL(None).malloc_trim(0)
Path("/proc/self/clear_refs").write_text("5")  # forgets the peak of the imports
for size in map(int, sys.argv[4:]):
    if keep:
        kept = list(read(size))
    elif name in made:
        path = folder / "answers.jsonl"
        with path.open("w") as file:
            file.writelines(
                json.dumps({"question_id": q.id, "text": made[name][1]}) + "\\n"
                for q in read(size))
        score(Benchmark(name, lambda: read(size)), path)
    else:
        evaluate(Yes(), Benchmark(name, lambda: read(size)), folder / f"{size}.jsonl",
                 batch_size=1_000)
    print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""
"""Peak memory after questions of each size: evaluated, or all kept in a list."""


def write_pope(folder, count):
    row = {"image": "x.png", "text": "Is there a dog?"}
    with (folder / "pope.jsonl").open("w") as file:
        for i in range(count):
            more = {"question_id": i, "label": ["yes", "no"][i % 2]}
            file.write(json.dumps(row | more) + "\n")


def write_vqav2(folder, count):
    questions = [
        {"question_id": i, "image_id": i, "question": "Is there a dog?"}
        for i in range(count)
    ]
    annotations = [
        {
            "question_id": i,
            "answer_type": "yes/no",
            "answers": [
                {"answer": ["yes", f"no {i % 6000}"][j % 2], "answer_id": j}
                for j in range(10)
            ],
        }
        for i in range(count)
    ]
    (folder / "q.json").write_text(json.dumps({"questions": questions}))
    (folder / "a.json").write_text(json.dumps({"annotations": annotations}))


WRITE = {"pope": write_pope, "vqav2": write_vqav2}


@pytest.mark.parametrize("name", ["pope", "vqav2", "mme", "mmbench"])
def bench_memory_beside_keeping_every_question(record, tmp_path, name):
    for size in SIZES if name in WRITE else ():
        (tmp_path / str(size)).mkdir()
        WRITE[name](tmp_path / str(size), size)

    def growth(mode):
        command = [sys.executable, "-c", CHILD, f"{tmp_path}", name, mode]
        output = subprocess.run(
            [*command, *map(str, SIZES)], capture_output=True, text=True, check=True
        )
        first, last = map(int, output.stdout.split())
        return max(last - first, 1)

    record(
        f"{name}: memory of every question / of evaluating",
        growth("keep") / growth("evaluate"),
    )
