"""The readers on tiny files in the formats of the real ones.

`vlmcore.data.synthetic.benchmark_files` made them; they are kept in `files`.
"""

import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from vlmcore.data.benchmarks import multiple_choice, vqa
from vlmcore.data.synthetic.benchmark_questions import benchmark_scenes
from vlmcore.evaluation.image_loading import open_image
from vlmcore.evaluation.sources import SOURCES, load_benchmark
from vlmcore.models.images import UnreadableImageError

SAMPLES = Path(__file__).parent / "files"


SHORT = "Answer the question using a single word or phrase."


LETTER = "Answer with the option's letter from the given choices directly."


@pytest.fixture
def copy(tmp_path):
    """A copy of the samples, and a function that changes one of its JSON files."""
    shutil.copytree(SAMPLES, tmp_path / "benchmarks")

    def change(file, edit):
        path = tmp_path / "benchmarks" / file
        content = json.loads(path.read_text())
        edit(content)
        path.write_text(json.dumps(content))

    return tmp_path / "benchmarks", change


def first(name, folder=SAMPLES):
    return next(iter(load_benchmark(name, folder).questions()))


@pytest.mark.parametrize("name", SOURCES)
def test_every_sample_is_read_whole(name):
    """The questions have the kinds of the synthetic ones; every image opens."""
    items = benchmark_scenes(0, 3, 3).questions[name]
    asked = list(load_benchmark(name, SAMPLES).questions())
    if name == "scienceqa":
        items = [item for item in items if item.image is not None]
    if name == "textvqa":
        items = [item._replace(kind="all") for item in items]
    turns = 4 if name == "mmbench" else 1
    assert Counter(q.kind for q in asked) == Counter(
        {kind: turns * n for kind, n in Counter(item.kind for item in items).items()}
    )
    assert all(open_image(question).size == (72, 72) for question in asked)
    assert len({question.id for question in asked}) == len(asked)
    assert all(question.answers for question in asked)


@pytest.mark.parametrize(
    "name, prompt, answers",
    [
        ("gqa", f"What color is the circle?\n{SHORT}", 1),
        ("vqav2", f"What color is the rectangle?\n{SHORT}", 10),
        ("textvqa", f"Which letter is at r1c2?\n{SHORT}", 10),
        (
            "vizwiz",
            "What color is the rectangle?\nWhen the provided information is "
            "insufficient, respond with 'Unanswerable'.\n" + SHORT,
            10,
        ),
        ("pope", f"Is there a teal circle in the image?\n{SHORT}", 1),
        ("mme", f"Are there three shapes in this image?\n{SHORT}", 1),
        (
            "mmbench",
            "What color is the triangle?\nA. teal\nB. gray\nC. blue\nD. "
            f"green\n{LETTER}",
            1,
        ),
        (
            "scienceqa",
            f"Which shape is teal?\nA. triangle\nB. circle\nC. rectangle\n{LETTER}",
            1,
        ),
    ],
)
def test_prompts_are_llavas(name, prompt, answers):
    assert (first(name).prompt, len(first(name).answers)) == (prompt, answers)


def test_hints_of_a_text_reader_are_in_the_prompt():
    folder = SAMPLES / "textvqa"
    hinted = vqa.textvqa(
        folder / "TextVQA_0.5.1_val.json",
        folder / "train_images",
        folder / "TextVQA_Rosetta_OCR_v0.2_val.json",
    )
    assert next(hinted).prompt.split("\n")[1].startswith("Reference OCR token: ")


def test_rotations_are_read_or_made(tmp_path):
    path = SAMPLES / "mmbench" / "mmbench_dev_20230712.tsv"
    read = list(multiple_choice.mmbench(path))
    rows = list(csv.reader(path.open(), delimiter="\t"))
    upright = [row for row in rows if row[0] == "index" or len(row[0]) < 7]
    with (tmp_path / "upright.tsv").open("w") as file:
        csv.writer(file, delimiter="\t").writerows(upright)
    made = list(multiple_choice.mmbench(tmp_path / "upright.tsv"))
    one, other = (sorted(q._replace(where="") for q in part) for part in (made, read))
    assert one == other
    answer = [q.options["ABCD".index(*q.answers)] for q in read]
    assert answer == [answer[question.group] for question in read]


def test_questions_without_answers_are_read(copy):
    folder, change = copy
    change("vizwiz/val.json", lambda c: [entry.pop("answers") for entry in c])
    vizwiz = folder / "vizwiz" / "val.json"
    vqav2 = folder / "vqav2" / "v2_OpenEnded_mscoco_val2014_questions.json"
    for questions in (vqa.vizwiz(vizwiz, folder), vqa.vqav2(vqav2, folder)):
        assert {question.answers for question in questions} == {()}


def test_scienceqa_knows_its_image_subset():
    folder = SAMPLES / "scienceqa"
    every = list(multiple_choice.scienceqa(folder / "problems.json", folder / "test"))
    assert {(q.kind, q.image is None) for q in every} == {
        ("image", False),
        ("text", True),
    }


@pytest.mark.parametrize(
    "name, file, edit, message",
    [
        (
            "vqav2",
            "v2_mscoco_val2014_annotations.json",
            lambda c: c["annotations"][1]["answers"].pop(),
            "annotations 2: field 'answers' has 9",
        ),
        (
            "vqav2",
            "v2_mscoco_val2014_annotations.json",
            lambda c: c["annotations"].pop(),
            "questions 9: question 2008 has no annotation",
        ),
        (
            "vqav2",
            "v2_mscoco_val2014_annotations.json",
            lambda c: c["annotations"][0].pop("answer_type"),
            "field 'answer_type' is missing",
        ),
        (
            "vqav2",
            "v2_OpenEnded_mscoco_val2014_questions.json",
            lambda c: c["questions"].pop(),
            "an annotation to unknown question 2008",
        ),
        (
            "vqav2",
            "v2_OpenEnded_mscoco_val2014_questions.json",
            lambda c: c["questions"][0].pop("question"),
            "1: field 'question' is missing",
        ),
        (
            "vqav2",
            "v2_OpenEnded_mscoco_val2014_questions.json",
            lambda c: c["questions"].append(c["questions"][0]),
            "questions 10: question 0 was there before",
        ),
        (
            "textvqa",
            "TextVQA_0.5.1_val.json",
            lambda c: c["data"][0]["answers"].append("x"),
            "data 1: field 'answers' has 11 entries",
        ),
        (
            "vizwiz",
            "val.json",
            lambda c: c[2].update(image=3),
            "item 3: field 'image' is 3, not of type str",
        ),
        (
            "gqa",
            "testdev_balanced_questions.json",
            lambda c: c["00000001"].pop("imageId"),
            "item 00000001: field 'imageId' is missing",
        ),
        (
            "scienceqa",
            "problems.json",
            lambda c: c["1"].update(answer=3),
            "item 1: field 'answer' is 3 where there are 3 choices",
        ),
    ],
)
def test_a_bad_field_is_named(copy, name, file, edit, message):
    folder, change = copy
    change(f"{name}/{file}", edit)
    with pytest.raises(ValueError, match=message):
        list(load_benchmark(name, folder).questions())


def test_bad_lines_and_rows_are_named(copy):
    folder, _ = copy
    path = folder / "pope" / "coco_pope_popular.json"
    path.write_text(path.read_text().replace('"label": "no"', '"label": "maybe"', 1))
    with pytest.raises(
        ValueError, match=r"popular\.json, line 2: field 'label' is 'maybe'"
    ):
        list(load_benchmark("pope", folder).questions())
    text = next((folder / "mme").rglob("*.txt"))
    text.write_text("Is it?\tPerhaps")
    with pytest.raises(
        ValueError, match=r"line 1: 'Is it\?\\tPerhaps' is not a question, a tab"
    ):
        list(load_benchmark("mme", folder).questions())
    text.unlink()
    text.with_name("alone.txt").write_text("Is it?\tYes")
    with pytest.raises(FileNotFoundError, match="no image alone"):
        list(load_benchmark("mme", folder).questions())
    table = folder / "mmbench" / "mmbench_dev_20230712.tsv"
    rows = table.read_text().split("\n")
    fields = rows[2].split("\t")
    for column, value, message in (
        (0, "x", "row 2: field 'index' is 'x'"),
        (7, "E", "row 2: field 'answer' is 'E' where there are 4"),
    ):
        table.write_text(
            "\n".join(
                [
                    *rows[:2],
                    "\t".join([*fields[:column], value, *fields[column + 1 :]]),
                    *rows[3:],
                ]
            )
        )
        with pytest.raises(ValueError, match=message):
            list(load_benchmark("mmbench", folder).questions())
    table.write_text("index\tquestion\n1\tx\n")
    with pytest.raises(ValueError, match=r"columns \['A', 'B', 'image'\] are missing"):
        list(load_benchmark("mmbench", folder).questions())


def test_missing_and_broken_images_are_told_apart(copy):
    folder, _ = copy
    question = first("gqa", folder)
    question.image.write_bytes(question.image.read_bytes()[:200])
    with pytest.raises(
        UnreadableImageError,
        match=r"item 00000000: field 'image', .*n0.jpg, cannot be decoded",
    ):
        open_image(question)
    question.image.unlink()
    with pytest.raises(
        FileNotFoundError,
        match=r"item 00000000: field 'image', .*n0.jpg, is missing",
    ):
        open_image(question)
    packed = first("mmbench")
    for broken in ("not base64!", packed.image[:400]):
        with pytest.raises(
            UnreadableImageError,
            match="row 1: field 'image', its base64, cannot be decoded",
        ):
            open_image(packed._replace(image=broken))


def test_a_benchmark_that_is_not_there_says_how_to_get_it(tmp_path):
    with pytest.raises(
        FileNotFoundError,
        match=r"lacks coco_pope_random.json, .*sources pope` says where",
    ):
        load_benchmark("pope", tmp_path)
    with pytest.raises(
        ValueError, match="benchmark 'okvqa' is not known; choose from gqa"
    ):
        load_benchmark("okvqa")
