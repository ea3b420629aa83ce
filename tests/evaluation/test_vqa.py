import hashlib
import json
from pathlib import Path

import pytest

from tests.evaluation import messy, naive, official_tables
from vlmcore.evaluation.metrics import VQAAccuracy, normalize_vqa, vqa_tenths
from vlmcore.evaluation.vqa_text import _TABLES

SETS, SEED = 24_000, 22
GOLDEN = json.loads((Path(__file__).parent / "golden" / "vqav2.json").read_text())
STATES = {
    "vqav2_official": "tenths",
    "vqav2_2016": "tenths of the first 4000 in the state of 2016 (458a8b2)",
    "vqav2_2015": "tenths of the first 4000 in the state of 2015 (07aecec)",
}


@pytest.fixture(scope="module")
def asked():
    return messy.answer_sets(SETS, SEED)


@pytest.mark.parametrize("normalizer", ["evalai", "vqav2_2015"])
def test_the_tables_are_the_published_ones(normalizer):
    """Without the words that never match in lower case, or that stay as they are."""
    published = official_tables.CONTRACTIONS[normalizer]
    assert len(published) == 120
    assert _TABLES[normalizer].contractions == {
        word: whole
        for word, whole in published.items()
        if word == word.lower() != whole
    }
    marks = official_tables.MARKS[normalizer]
    assert sorted(_TABLES[normalizer].marks) == sorted(marks)


@pytest.mark.parametrize("state", STATES)
def test_every_score_is_that_of_the_official_script(asked, state):
    """The script was run elsewhere; its scores were recorded with its commit."""
    code = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
    assert code == GOLDEN["sha256 of the inputs as JSON"], "the inputs are others"
    recorded = "".join(GOLDEN[STATES[state]])
    found = [vqa_tenths(*pair, state) for pair in asked[: len(recorded)]]
    assert "".join("T" if tenths == 10 else str(tenths) for tenths in found) == recorded
    assert set(recorded) == set("0369T"), "the test met every outcome"


@pytest.mark.parametrize("normalizer", ["evalai", *STATES])
def test_against_a_naive_loop_over_the_annotators(asked, normalizer):
    total, part = 0, asked[:3000]
    for pred, references in part:
        text, right = (
            (naive.evalai(pred), [naive.evalai(r) for r in references])
            if normalizer == "evalai"
            else naive.vqav2(pred, references, normalizer)
        )
        accuracy = naive.leave_one_out(text, right)
        tenths = vqa_tenths(pred, references, normalizer)
        assert abs(tenths / 10 - accuracy) < 1e-12, (pred, references)
        total += tenths
    metric = VQAAccuracy(normalizer)
    naive.update_in_parts(metric, *zip(*part, strict=True))
    assert metric.scores()["all"].value == total / (10 * len(part))


@pytest.mark.parametrize(
    "text, one, master, oldest",
    [
        ("The man's dog", "man 's dog", "man's dog", "man s dog"),
        ("a 1,000 dollars", "1000 dollars", "1000 dollars", "1000 dollars"),
        # only the tables of 2015 lack the hyphen and have the colon
        ("red-blue", "red blue", "red blue", "red-blue"),
        ("red - blue", "red blue", "red blue", "red - blue"),
        ("10:30", "10:30", "10:30", "10 30"),
        ("10:30, or later", "10:30 or later", "10:30 or later", "10 30 or later"),
        # a comma between digits deletes the colon
        ("1,5: red-blue", "15: red blue", "15: redblue", "15 red-blue"),
        ("3.5 ... 2.", "3.5 2", "3.5 2", "3.5 2"),
        ("dont", "don't", "don't", "don\u2019t"),
        # the first words of the older table were straight
        ("cant", "can't", "can't", "can't"),
        ("he\u2019dve", "he\u2019dve", "he\u2019dve", "he\u2019d\u2019ve"),
        ("don't", "don't", "don't", "don t"),
        ("none of two", "0 of 2", "0 of 2", "0 of 2"),
        ("!" * 3, "", "", "!!!"),
        # 32 full stops go, whatever their number
        ("." * 40 + "x", "." * 8 + "x", "." * 8 + "x", "." * 8 + "x"),
    ],
)
def test_the_quirks_of_the_scripts(text, one, master, oldest):
    found = [
        normalize_vqa(text, (), name).prediction
        for name in ("evalai", "vqav2_official", "vqav2_2015")
    ]
    assert found == [one, master, oldest]


def test_references_that_are_all_the_same():
    """By the script of VQAv2 they are compared as they stand, capitals and all."""
    alike, differ = ["Don't"] * 10, ["Don't"] * 9 + ["x"]
    master, oldest = "vqav2_official", "vqav2_2015"
    assert normalize_vqa("X. ", alike, master) == ("X.", ("Don't",) * 10)
    assert normalize_vqa("X. ", differ, master) == ("x", ("don't",) * 9 + ("x",))
    assert normalize_vqa("x", alike, oldest).references == ("Don't",) * 10
    assert normalize_vqa("x", differ, oldest).references[0] == "Don t"
    of = {
        name: [
            vqa_tenths("The two", ["two"] * n + ["x"] * (10 - n), name) for n in (10, 9)
        ]
        for name in ("evalai", *STATES)
    }
    assert of == {
        "evalai": [10, 10],
        "vqav2_official": [0, 10],
        "vqav2_2016": [0, 0],
        "vqav2_2015": [0, 0],
    }


def test_a_score_has_count_share_parseable_chance_and_error():
    metric = VQAAccuracy(kinds=["yes/no", "other"])
    metric.update(
        ["yes", "...", "tree"],
        [["yes"] * 7 + ["no"] * 3, ["red"] * 10, ["tree"] * 2 + ["bush"] * 8],
        ["yes/no", "other", "other"],
    )
    scores = metric.scores()
    assert scores["all"].value == pytest.approx(1.6 / 3) and scores["all"].count == 3
    assert scores["all"].parseable == 2 / 3
    assert (scores["yes/no"].chance, scores["other"].chance) == ((1 + 0.9) / 2, 0)
    points = [0, 0.6]
    assert scores["other"].standard_error == pytest.approx(
        (sum((p - 0.3) ** 2 for p in points) / 2 / 2) ** 0.5
    )


def test_one_reference_more_or_less_moves_the_score():
    metric = VQAAccuracy()
    metric.update(["2"] * 2, [["two"] * n + ["x"] * (10 - n) for n in (2, 3)])
    assert metric.scores()["all"].value == pytest.approx((0.6 + 0.9) / 2)


def test_bad_input_gets_a_sentence():
    with pytest.raises(
        ValueError, match="9 references; VQA accuracy needs the answers of"
    ):
        VQAAccuracy().update(["a"], [["a"] * 9])
    with pytest.raises(
        ValueError, match="normaliser 'official' is not known; choose from evalai"
    ):
        VQAAccuracy("official")
