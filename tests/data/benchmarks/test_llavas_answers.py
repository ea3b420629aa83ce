"""Answers of LLaVA's scripts, in the ids and the order of its files."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.data.benchmarks.conftest import COLOURS, row
from tests.data.benchmarks.test_image_files import RED
from tests.data.benchmarks.test_official_files import SAMPLES
from vlmcore.data.benchmarks import multiple_choice, vqa, yes_no
from vlmcore.evaluation.benchmarks import Benchmark, score
from vlmcore.evaluation.sources import load_benchmark

TEN = [{"answer": "cup", "answer_id": i} for i in range(10)]


def write_json(path, value):
    path.write_text(json.dumps(value))
    return path


def answered(path, *answers):
    lines = [
        {"question_id": name, "prompt": prompt, "text": text, **more}
        for name, prompt, text, more in answers
    ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def test_textvqas_answers_are_named_by_their_image(tmp_path):
    data = [
        {"question_id": i, "image_id": "00a", "question": text, "answers": [right] * 10}
        for i, text, right in ((1, "what brand?", "cola"), (2, "what colour?", "red"))
    ]
    file = write_json(tmp_path / "f.json", {"data": data})
    end = "\nReference OCR token: COLA\nAnswer the question using a single word."
    path = answered(
        tmp_path / "a.jsonl",
        ("00a", f"What colour?{end}", "Red", {}),
        ("00a", f"What brand?{end}", "Pepsi", {}),
    )
    benchmark = Benchmark("textvqa", lambda: vqa.textvqa(file, tmp_path))
    assert score(benchmark, path).headline[:2] == (0.5, 2)
    answered(path, ("00b", f"What brand?{end}", "Red", {}))
    with pytest.raises(ValueError, match="line 1: there is no question 'what"):
        score(benchmark, path)


def llavas(folder, table):
    """The questions of LLaVA's files, by benchmark."""
    for split in ("adversarial", "popular", "random"):
        lines = [
            {"question_id": i, "image": "x.jpg", "text": "A cup?", "label": label}
            for i, label in ((1, "yes"), (2, "no"))
        ]
        (folder / f"{split}.json").write_text("\n".join(map(json.dumps, lines)))
    splits = {name: folder / f"{name}.json" for name in ("random", "popular")}
    splits["adversarial"] = folder / "adversarial.json"
    task = folder / "MME" / "count"
    task.mkdir(parents=True)
    RED.save(task / "1.jpg")
    end = " Please answer yes or no."
    (task / "1.txt").write_text(f"Is it a cup?{end}\tYes\nIs it a car?{end}\tNo\n")
    problem = {"question": "q", "choices": ["a", "b"], "hint": ""}
    problems = {
        "4": problem | {"answer": 0, "image": "image.png"},
        "5": problem | {"answer": 1, "image": None},
    }
    write_json(folder / "p.json", problems)
    gqa = {"question": "?", "imageId": "n", "answer": "yes"}
    write_json(folder / "gqa.json", {"2": gqa})
    ten = {"answers": TEN, "answer_type": "other"}
    write_json(folder / "v.json", [{"image": "V_0.jpg", "question": "?"} | ten])
    asked = {"image_id": 1, "question": "What?", "question_id": 1000}
    write_json(folder / "q.json", {"questions": [asked]})
    write_json(folder / "an.json", {"annotations": [{"question_id": 1000} | ten]})
    mm = table(row(7, *COLOURS))
    return {
        "pope": lambda: yes_no.pope(splits, folder),
        "mme": lambda: yes_no.mme(folder / "MME"),
        "mmbench": lambda: multiple_choice.mmbench(mm),
        "scienceqa": lambda: multiple_choice.scienceqa(folder / "p.json", folder),
        "gqa": lambda: vqa.gqa(folder / "gqa.json", folder),
        "vizwiz": lambda: vqa.vizwiz(folder / "v.json", folder),
        "vqav2": lambda: vqa.vqav2(folder / "q.json", folder, folder / "an.json"),
    }


ANSWERS = {
    "pope": [(i, "", ["yes", "no"][i % 2], {}) for i in range(6)],
    "mme": [("count/1.jpg", "", text, {}) for text in ("Yes", "No")],
    "mmbench": [(7, "", "ADCB"[i], {"round_id": i}) for i in range(4)],
    "scienceqa": [("4", "", "A", {}), (5, "", "B", {})],
    "gqa": [(2, "", "Yes.", {})],
    "vizwiz": [("V_0.jpg", "", "Cup.", {})],
    "vqav2": [("1000", "", "a cup", {})],
}
"""Right answers to them, as LLaVA's scripts write them."""


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_of_llavas_scripts_are_scored(tmp_path, table, name):
    questions, answers = llavas(tmp_path, table)[name], ANSWERS[name]
    path = answered(tmp_path / "a.jsonl", *answers)
    full = 200 if name == "mme" else 1
    benchmark = Benchmark(name, questions)
    assert score(benchmark, path).headline.value == full
    wrong = [(i, prompt, "thing", more) for i, prompt, _, more in answers]
    worth = 2 / 3 if name == "pope" else 0  # it reads any text as yes
    assert score(benchmark, answered(path, *wrong)).headline.value == worth


def test_popes_answers_are_numbered_in_llavas_order_of_splits(tmp_path, table):
    questions = llavas(tmp_path, table)["pope"]
    answers = [(i, "", "yes" if i < 2 else "no", {}) for i in range(6)]
    path = answered(tmp_path / "a.jsonl", *answers)
    scores = score(Benchmark("pope", questions), path).scores
    ratio = {name: scores[name].yes_ratio.value for name in scores}
    assert (ratio["adversarial"], ratio["popular"], ratio["random"]) == (1, 0, 0)


def test_the_ids_of_llavas_published_files(tmp_path, table):
    """POPE's begin with a digit for the split, VizWiz's are positions in the file, and
    MME's have the folder of the images."""
    files = llavas(tmp_path, table)
    first = {"adversarial": 1, "random": 10_000_001, "popular": 20_000_001}
    pope = [
        (number + i, "A cup?\nAnswer", "Yes" if name == "random" else "No", {})
        for name, number in first.items()
        for i in range(2)
    ]
    path = answered(tmp_path / "a.jsonl", *pope)
    scores = score(Benchmark("pope", files["pope"]), path).scores
    assert {name: scores[name].yes_ratio.value for name in first} == {
        "adversarial": 0,
        "random": 1,
        "popular": 0,
    }
    vizwiz = answered(tmp_path / "b.jsonl", (0, "", "Cup", {}))
    assert score(Benchmark("vizwiz", files["vizwiz"]), vizwiz).headline.value == 1
    end = "\nAnswer the question using a single word or phrase."
    asked = (("Is it a car?", "No"), ("Is it a cup?", "Yes"))  # in another order
    mme = [("count/images/1.png", f"{text}{end}", said, {}) for text, said in asked]
    path = answered(tmp_path / "c.jsonl", *mme)
    assert score(Benchmark("mme", files["mme"]), path).headline.value == 200


def test_an_answer_of_no_image_is_named(tmp_path, table):
    questions = llavas(tmp_path, table)["mme"]
    path = answered(tmp_path / "a.jsonl", ("count", "", "yes", {}))
    with pytest.raises(ValueError, match="line 1: an answer to unknown question 'coun"):
        score(Benchmark("mme", questions), path)


def test_mmbench_without_rotations_has_only_a_vanilla_score(tmp_path, table):
    path = answered(tmp_path / "a.jsonl", (7, "", "A", {}))
    mm = table(row(7, *COLOURS))
    found = score(Benchmark("mmbench", lambda: multiple_choice.mmbench(mm)), path)
    assert (found.headline.value, found.headline.chance) == (1, 1 / 4)
    assert np.isnan(found.scores["all"].circular.value)


def test_scienceqas_answers_about_text_are_left_out_of_the_image_subset(tmp_path):
    folder = Path(shutil.copytree(SAMPLES, tmp_path / "b"))
    every = list(
        multiple_choice.scienceqa(folder / "scienceqa" / "problems.json", folder)
    )
    path = answered(
        tmp_path / "a.jsonl", *((q.id, "", q.answers[0], {}) for q in every)
    )
    found = score(load_benchmark("scienceqa", folder), path)
    assert found.headline.value == 1 and found.headline.count < len(every)
    texts = [q for q in every if q.image is None]
    only = [(q.id, "", q.answers[0], {}) for q in texts]
    subset = score(Benchmark("scienceqa", lambda: texts), answered(path, *only))
    assert subset.headline[:2] == (1, len(texts)), "a subset of text has a score"
