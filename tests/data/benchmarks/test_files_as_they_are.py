"""Benchmark files as people have them: each case with the right value."""

import base64
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.benchmarks.test_official_files import SAMPLES
from vlmcore.data.benchmarks import multiple_choice, vqa, yes_no
from vlmcore.data.benchmarks.question import Question
from vlmcore.evaluation.benchmarks import Benchmark, score
from vlmcore.evaluation.image_loading import open_image
from vlmcore.evaluation.sources import load_benchmark
from vlmcore.models.images import UnreadableImageError, to_pixels

HEAD = ["index", "question", "hint", "A", "B", "C", "D", "answer", "category", "image"]
TEN = [{"answer": "cup", "answer_id": i} for i in range(10)]


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


RED = Image.new("RGB", (24, 16), (255, 0, 0))
PACKED = base64.b64encode(encoded(RED)).decode()


@pytest.fixture
def table(tmp_path):
    """Writes an MMBench file of some rows."""

    def write(*rows, encoding="utf-8"):
        lines = ["\t".join(HEAD), *("\t".join(map(str, row)) for row in rows)]
        (tmp_path / "f.tsv").write_text("\n".join(lines) + "\n", encoding=encoding)
        return tmp_path / "f.tsv"

    return write


def row(index, *options, answer="A", image=PACKED, hint=""):
    return (index, "What?", hint, *options, answer, "color", image)


COLOURS = ("red", "blue", "green", "grey")


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
    """The files and the answers of LLaVA's scripts, by benchmark; all are right."""
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
    read = {
        "pope": lambda: yes_no.pope(splits, folder),
        "mme": lambda: yes_no.mme(folder / "MME"),
        "mmbench": lambda: multiple_choice.mmbench(mm),
        "scienceqa": lambda: multiple_choice.scienceqa(folder / "p.json", folder),
        "gqa": lambda: vqa.gqa(folder / "gqa.json", folder),
        "vizwiz": lambda: vqa.vizwiz(folder / "v.json", folder),
        "vqav2": lambda: vqa.vqav2(folder / "q.json", folder, folder / "an.json"),
    }
    answers = {
        "pope": [(i, "", ["yes", "no"][i % 2], {}) for i in range(6)],
        "mme": [("count/1.jpg", "", text, {}) for text in ("Yes", "No")],
        "mmbench": [(7, "", "ADCB"[i], {"round_id": i}) for i in range(4)],
        "scienceqa": [("4", "", "A", {}), (5, "", "B", {})],
        "gqa": [(2, "", "Yes.", {})],
        "vizwiz": [("V_0.jpg", "", "Cup.", {})],
        "vqav2": [("1000", "", "a cup", {})],
    }
    return {name: (read[name], answers[name]) for name in read}


@pytest.mark.parametrize(
    "name", ["pope", "mme", "mmbench", "scienceqa", "gqa", "vizwiz", "vqav2"]
)
def test_answers_of_llavas_scripts_are_scored(tmp_path, table, name):
    questions, answers = llavas(tmp_path, table)[name]
    path = answered(tmp_path / "a.jsonl", *answers)
    full = 200 if name == "mme" else 1
    benchmark = Benchmark(name, questions)
    assert score(benchmark, path).headline.value == full
    wrong = [(i, prompt, "thing", more) for i, prompt, _, more in answers]
    worth = 2 / 3 if name == "pope" else 0  # it reads any text as yes
    assert score(benchmark, answered(path, *wrong)).headline.value == worth


def test_popes_answers_are_numbered_in_llavas_order_of_splits(tmp_path, table):
    questions, _ = llavas(tmp_path, table)["pope"]
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
    scores = score(Benchmark("pope", files["pope"][0]), path).scores
    assert {name: scores[name].yes_ratio.value for name in first} == {
        "adversarial": 0,
        "random": 1,
        "popular": 0,
    }
    vizwiz = answered(tmp_path / "b.jsonl", (0, "", "Cup", {}))
    assert score(Benchmark("vizwiz", files["vizwiz"][0]), vizwiz).headline.value == 1
    end = "\nAnswer the question using a single word or phrase."
    asked = (("Is it a car?", "No"), ("Is it a cup?", "Yes"))  # in another order
    mme = [("count/images/1.png", f"{text}{end}", said, {}) for text, said in asked]
    path = answered(tmp_path / "c.jsonl", *mme)
    assert score(Benchmark("mme", files["mme"][0]), path).headline.value == 200


def test_an_answer_of_no_image_is_named(tmp_path, table):
    questions, _ = llavas(tmp_path, table)["mme"]
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


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\n".join(text[i : i + 20] for i in range(0, len(text), 20)),
        lambda text: text.rstrip("="),
        lambda text: f"data:image/png;base64,{text}",
        lambda text: text.replace("+", "-").replace("/", "_"),
    ],
    ids=["line breaks", "no padding", "an address", "for addresses"],
)
def test_base64_of_every_kind_is_read(change):
    noise = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    image = Image.fromarray(noise)
    packed = base64.b64encode(encoded(image)).decode()
    found = open_image(Question(1, "?", change(packed), (), "all", "f, row 1"))
    assert (np.asarray(found) == noise).all()


def of_kind(kind):
    """An image file, and the RGB of its upper left corner; None if there is none."""
    grey = Image.new("L", (24, 16), 128)
    if kind == "16-bit grey":
        array = np.full((16, 24), 128 * 257, np.uint16)
        return encoded(Image.fromarray(array)), (128, 128, 128)
    if kind == "rotated":
        exif = Image.Exif()
        exif[0x0112] = 6  # the first row is at the right
        two = RED.copy()
        two.paste((0, 0, 255), (0, 8, 24, 16))
        return encoded(two, "PNG", exif=exif), (0, 0, 255)
    return {
        "cmyk": (encoded(RED.convert("CMYK"), "TIFF"), (255, 0, 0)),
        "palette": (encoded(RED.convert("P")), (255, 0, 0)),
        "1-bit": (encoded(Image.new("1", (24, 16), 1)), (255, 255, 255)),
        "gif": (encoded(RED, "GIF"), (255, 0, 0)),
        "webp": (encoded(RED, "WEBP", lossless=True), (255, 0, 0)),
        "grey": (encoded(grey), (128, 128, 128)),
        "grey with alpha": (encoded(grey.convert("LA")), (128, 128, 128)),
        "truncated": (encoded(RED, "JPEG")[:-150], None),
        "empty": (b"", None),
        "html": (b"<html>404</html>", None),
    }[kind]


KINDS = "cmyk palette 1-bit gif webp grey truncated empty html rotated".split()  # noqa: SIM905


@pytest.mark.parametrize("kind", [*KINDS, "grey with alpha", "16-bit grey"])
def test_images_of_all_kinds(tmp_path, kind):
    data, corner = of_kind(kind)
    path = tmp_path / "wrong_name.jpg"
    path.write_bytes(data)
    question = Question(1, "?", path, (), "all", "f.json, item 1")
    if corner is None:
        with pytest.raises(UnreadableImageError, match=r"f.json, item 1: .*name.jpg"):
            open_image(question)
        return
    image = open_image(question)
    assert image.size == ((16, 24) if kind == "rotated" else (24, 16))
    pixels = to_pixels(image, 24, padding=(0, 0, 0))[0]
    # an upright photograph is padded at the sides
    middle = pixels[:, 2, 5] if kind == "rotated" else pixels[:, 5, 2]
    if kind == "rotated":
        corner = (0, 0, 255)
    assert (middle * 255).round().int().tolist() == list(corner)
