"""Records that cannot be used are left out, counted and named; the others are asked."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.data.benchmarks.test_official_files import SAMPLES
from vlmcore.data.benchmarks.skipped import Skipped, Usable, each
from vlmcore.evaluation.sources import SOURCES, load_benchmark

VQA = "v2_mscoco_val2014_annotations.json"
TABLE = "mmbench_dev_20230712.tsv"


def in_json(edit):
    def change(text):
        value = json.loads(text)
        edit(value)
        return json.dumps(value)

    return change


def in_line(number, edit):
    def change(text):
        lines = text.splitlines()
        lines[number] = edit(lines[number])
        return "\n".join(lines) + "\n"

    return change


def without(place, name):
    return in_json(lambda value: place(value).pop(name))


def cell(column, text):
    def edit(line):
        cells = line.split("\t")
        cells[column] = text
        return "\t".join(cells)

    return edit


CASES = {
    "a field is missing": (
        *("vizwiz", "val.json", without(lambda c: c[2], "question")),
        *(1, 1, "val.json, item 3: field 'question' is missing"),
    ),
    "a label is missing": (
        *("gqa", "testdev_balanced_questions.json"),
        *(without(lambda c: c["00000001"], "answer"), 1, 1),
        "item 00000001: field 'answer' or 'answers' is missing",
    ),
    "a field of another type": (
        *("textvqa", "TextVQA_0.5.1_val.json"),
        *(in_json(lambda c: c["data"][1].update(question=7)), 1, 1),
        "data 2: field 'question' is 7, not of type str",
    ),
    "half a character": (
        *("textvqa", "TextVQA_0.5.1_val.json"),
        *(in_json(lambda c: c["data"][1].update(question="a\ud800")), 1, 1),
        r"data 2: field 'question' holds half a character, \"a\\ud800\"",
    ),
    "no object": (
        *("scienceqa", "problems.json", in_json(lambda c: c.update({"1": 5}))),
        *(1, 1, "problems.json, item 1: 5 is not a JSON object"),
    ),
    "no JSON": (
        *("pope", "coco_pope_random.json", in_line(2, lambda line: line[:20])),
        *(1, 1, "random.json, line 3: this is not JSON"),
    ),
    "a label that is none": (
        *("pope", "coco_pope_popular.json"),
        *(in_line(1, lambda line: line.replace('"no"', '"maybe"')), 1, 1),
        "popular.json, line 2: field 'label' is 'maybe'",
    ),
    "an id twice": (
        *("pope", "coco_pope_random.json"),
        *(in_line(1, lambda line: line.replace('_id": 2', '_id": 1')), 1, 1),
        "random.json, line 2: id 'random/1' was there before",
    ),
    "an annotation without an id": (
        *("vqav2", VQA, without(lambda c: c["annotations"][3], "question_id")),
        *(2, 1, "annotations 4: field 'question_id' is missing"),
    ),
    "an annotation of nine answers": (
        *("vqav2", VQA, in_json(lambda c: c["annotations"][3]["answers"].pop())),
        *(1, 1, "annotations 4: field 'answers' has 9 entries"),
    ),
    "a question without annotation": (
        *("vqav2", VQA, in_json(lambda c: c["annotations"].pop(0))),
        *(1, 1, "questions 1: question 0 has no annotation"),
    ),
    "one of two questions": (
        *("mme", "MME_Benchmark_release_version/existence/000000000001.txt"),
        *(in_line(1, lambda line: line.replace("\t", " ")), 2, 2),
        "000000000001.txt, line 2: '.*' is not a question, a tab, and Yes or No",
    ),
    "one of four rotations": (
        *("mmbench", TABLE, in_line(3, cell(0, "x"))),
        *(4, 4, "dev_20230712.tsv, row 3: field 'index' is 'x'"),
    ),
    "no rotation of its options": (
        *("mmbench", TABLE, in_line(3, cell(0, "9000000"))),
        *(4, 4, "row 3: field 'index' is 9000000, rotation 9 of a question with 4"),
    ),
    "fewer options than the other rotations": (
        *("mmbench", TABLE, in_line(3, cell(5, ""))),
        *(4, 4, r"row \d+: \d has 4 questions that can be used and needs 3 or 4"),
    ),
    "too many cells": (
        *("mmbench", TABLE, in_line(1, lambda line: f"{line}\tmore")),
        *(4, 4, "dev_20230712.tsv, row 1: there are more cells than columns"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_used_is_named_and_counted(tmp_path, case):
    """Two further questions of MMBench and of MME's image go with the one."""
    name, file, change, count, lost, named = CASES[case]
    folder = Path(shutil.copytree(SAMPLES, tmp_path / "b"))
    before = {q.id: q.prompt for q in load_benchmark(name, folder).questions()}
    path = folder / name / file
    path.write_text(change(path.read_text()))
    benchmark = load_benchmark(name, folder, skip=True)
    skipped = benchmark.skipped()
    left = {q.id: q.prompt for q in benchmark.questions()}
    assert skipped.count == count == len(skipped.first)
    assert any(re.search(named, reason) for reason in skipped.first)
    assert len(left) == len(before) - lost and left.items() <= before.items()
    assert benchmark.skipped() == skipped, "every pass counts anew"


@pytest.mark.parametrize("name", SOURCES)
def test_nothing_is_skipped_of_a_whole_file(name):
    benchmark = load_benchmark(name, SAMPLES, skip=True)
    assert benchmark.skipped() == Skipped()
    plain = load_benchmark(name, SAMPLES)
    assert list(benchmark.questions()) == list(plain.questions())
    assert list(benchmark.others()) == list(plain.others())


@pytest.mark.parametrize(
    "name, file, change, message",
    [
        (
            *("vqav2", VQA, in_json(lambda c: c["annotations"].clear())),
            "none of 9 records can be used: .*question 0 has no annotation.*; and 6",
        ),
        (
            *("vizwiz", "val.json", in_json(lambda c: [x.pop("image") for x in c])),
            "records cannot be read: .*item 1: field 'image' is missing",
        ),
        ("pope", "coco_pope_random.json", lambda _: "x\ny\n", "2 of 2 records cannot"),
        ("gqa", "testdev_balanced_questions.json", lambda t: t[:400], "broken JSON"),
        ("mmbench", TABLE, lambda text: text.replace("index", "x", 1), "columns"),
    ],
)
def test_where_nothing_is_left_reading_stops(tmp_path, name, file, change, message):
    folder = Path(shutil.copytree(SAMPLES, tmp_path / "b"))
    path = folder / name / file
    path.write_text(change(path.read_text()))
    with pytest.raises(ValueError, match=message):
        load_benchmark(name, folder, skip=True).skipped()


def test_only_the_first_reasons_are_kept():
    def read(number):
        if number % 2:
            raise ValueError(f"{number}: " + "x" * 999)
        return number

    skipped = Skipped()
    assert list(each(read, range(100), skipped)) == list(range(0, 100, 2))
    assert skipped.count == 50 and len(skipped.first) == 20
    assert max(map(len, skipped.first)) == 300
    with pytest.raises(ValueError, match="50 of 100 records cannot be read: 1: x"):
        list(each(read, range(100)))
    with pytest.raises(ValueError, match="3 of 3 records cannot be read"):
        list(each(read, [1, 3, 5], Skipped()))


def test_without_public_answers_every_question_is_kept():
    questions = [
        q._replace(answers=()) for q in load_benchmark("vizwiz", SAMPLES).questions()
    ]
    assert list(Usable(lambda _: questions)()) == questions
