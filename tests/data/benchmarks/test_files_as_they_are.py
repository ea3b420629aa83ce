"""Benchmark files as people have them: each case with the right value."""

import json
import shutil
from pathlib import Path

import pytest

from tests.data.benchmarks.conftest import COLOURS, PACKED, row
from tests.data.benchmarks.test_official_files import SAMPLES
from vlmcore.data.benchmarks import multiple_choice
from vlmcore.evaluation.image_loading import open_image
from vlmcore.evaluation.sources import load_benchmark


def test_an_image_may_be_the_index_of_another_row(table):
    turned = (*COLOURS[1:], COLOURS[0])
    path = table(
        row(1000242, *turned, answer="D", image=242),  # even before the row
        row(241, *COLOURS),
        row(242, *COLOURS, image=241),
        row(1000241, *turned, answer="D", image=241),
    )
    questions = list(multiple_choice.mmbench(path))
    assert {question.image for question in questions} == {PACKED}
    assert open_image(questions[0]).getpixel((0, 0)) == (255, 0, 0)
    broken = table(row(1, *COLOURS, image=7), row(2, *COLOURS))
    with pytest.raises(
        ValueError, match=r"1 of 2 records .*f.tsv, row 1: field 'image' is 7, which is"
    ):
        list(multiple_choice.mmbench(broken))


@pytest.mark.parametrize(
    "options, answer, listed, right",
    [
        (("red", "None", "N/A", "nan"), "B", "A. red\nB. None\nC. N/A", "None"),
        (("red", "", "green", "grey"), "C", "A. red\nC. green\nD. grey", "green"),
        (("red", "NA", "", ""), "B", "A. red\nB. NA", "NA"),
    ],
)
def test_a_word_is_an_option_and_an_empty_cell_is_none(
    table, options, answer, listed, right
):
    questions = list(multiple_choice.mmbench(table(row(1, *options, answer=answer))))
    first = questions[0]
    assert first.prompt.startswith(f"What?\n{listed}\nAnswer with")
    assert first.answers == (answer,)
    assert len(questions) == listed.count("\n") + 1, "one rotation for each option"
    for question in questions:
        chosen = question.options["ABCD".index(question.answers[0])]
        assert chosen == right and question.prompt.count(right) == 1


def recoded(path, change):
    path.write_bytes(change(path.read_bytes()))


BOM = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()


@pytest.mark.parametrize("name", ["pope", "mme", "gqa", "vqav2", "mmbench", "vizwiz"])
@pytest.mark.parametrize("kind", ["byte-order mark", "utf-16", "latin-1", "windows"])
def test_every_encoding_is_read(tmp_path, name, kind):
    """Text beyond ASCII stays what it is; a question begins with it."""
    folder = Path(shutil.copytree(SAMPLES, tmp_path / "b"))
    change = {
        "byte-order mark": lambda raw: BOM + raw,
        "utf-16": lambda raw: raw.decode().encode("utf-16"),
        "latin-1": lambda raw: raw.replace(b"shape", "formé".encode("latin-1")),
        "windows": lambda raw: raw.replace(b"\n", b"\r\n"),
    }[kind]
    before = [q.prompt for q in load_benchmark(name, folder).questions()]
    for path in (folder / name).rglob("*"):
        if path.suffix in (".json", ".tsv", ".txt"):
            recoded(path, change)
    after = [q.prompt for q in load_benchmark(name, folder).questions()]
    if kind == "latin-1":
        before = [prompt.replace("shape", "formé") for prompt in before]
    assert after == before


def test_json_and_json_lines_are_both_read(tmp_path):
    folder = Path(shutil.copytree(SAMPLES, tmp_path / "b"))
    names = ("pope", "vizwiz", "textvqa", "vqav2", "gqa")
    before = {n: list(load_benchmark(n, folder).questions()) for n in names}
    for path in (folder / "pope").glob("*.json"):
        items = [json.loads(line) for line in path.read_text().splitlines()]
        path.write_text(json.dumps(items, indent=1))
    for file in (
        "vizwiz/val.json",
        "textvqa/TextVQA_0.5.1_val.json",
        "vqav2/v2_OpenEnded_mscoco_val2014_questions.json",
        "vqav2/v2_mscoco_val2014_annotations.json",
        "gqa/testdev_balanced_questions.json",
    ):
        value = json.loads((folder / file).read_text())
        if "gqa" in file:
            value = [{"question_id": name, **entry} for name, entry in value.items()]
        elif isinstance(value, dict):
            value = next(x for x in value.values() if isinstance(x, list) and x)
        (folder / file).write_text("".join(f"{json.dumps(x)}\n" for x in value))
    for name in names:
        after = list(load_benchmark(name, folder).questions())
        places = [q._replace(where="") for q in before[name]]
        assert [q._replace(where="") for q in after] == places, name


def test_foreign_files_beside_mmes_are_left_alone(tmp_path):
    folder = Path(shutil.copytree(SAMPLES / "mme", tmp_path / "mme"))
    before = list(load_benchmark("mme", tmp_path).questions())
    release = next(path for path in folder.iterdir() if path.is_dir())
    for name in ("eval_tool/Your_Results/count.txt", "__MACOSX/count/._1.txt"):
        (release / name).parent.mkdir(parents=True)
        (release / name).write_text("something else")
    text = next(release.rglob("*.txt"))
    text.with_name(f"._{text.name}").write_bytes(b"\x00\x05\x16\x07")
    text = next(path for path in release.rglob("*.txt") if "\t" in path.read_text())
    text.write_text(text.read_text() + "\n\n")
    assert list(load_benchmark("mme", tmp_path).questions()) == before


def test_records_that_cannot_be_read_are_named_and_counted(tmp_path):
    folder = Path(shutil.copytree(SAMPLES, tmp_path / "b"))
    path = folder / "vqav2" / "v2_mscoco_val2014_annotations.json"
    value = json.loads(path.read_text())
    for annotation in value["annotations"][1:6]:
        del annotation["answer_type"]
    path.write_text(json.dumps(value))
    questions = load_benchmark("vqav2", folder).questions()
    read = []
    message = (
        r"5 of 9 records cannot be read: .*annotations 2: field 'answer_type' is "
        r"missing.*; and 2 more; mend"
    )
    with pytest.raises(ValueError, match=message):
        read.extend(questions)
