import random

import pytest

from tests.evaluation import messy, naive, official_tables
from vlmcore.evaluation.metrics import VQAAccuracy, normalize_vqa, vqa_tenths
from vlmcore.evaluation.vqa_text import (
    _CONTRACTIONS,
    _PUNCTUATION,
    evalai,
    vqav2_official,
)

SETS = 20_000
BOTH = ["evalai", "vqav2_official"]


@pytest.fixture(scope="module")
def asked():
    """Predictions with ten references each; annotators often agree."""
    rng, texts = random.Random(1), messy.vocabulary(3000)
    pools = [[*rng.sample(texts, 3), rng.choice(texts).lower()] for _ in range(SETS)]
    return [rng.choice(pool) for pool in pools], [
        rng.choices(pool[: rng.randrange(1, 5)], k=10) for pool in pools
    ]


@pytest.mark.parametrize("normalizer", BOTH)
def test_the_tables_are_the_published_ones(normalizer):
    """Without the words that never match in lower case, or that stay as they are."""
    published = official_tables.CONTRACTIONS[normalizer]
    assert len(published) == 120
    assert _CONTRACTIONS[normalizer] == {
        word: whole
        for word, whole in published.items()
        if word == word.lower() != whole
    }
    assert sorted(_PUNCTUATION[normalizer]) == sorted(official_tables.MARKS[normalizer])


@pytest.mark.parametrize("normalizer", BOTH)
def test_against_a_naive_loop_over_the_annotators(asked, normalizer):
    total, seen = 0, set()
    for pred, references in zip(*asked, strict=True):
        text, right = (
            (naive.evalai(pred), [naive.evalai(r) for r in references])
            if normalizer == "evalai"
            else naive.vqav2(pred, references)
        )
        accuracy = naive.leave_one_out(text, right)
        tenths = vqa_tenths(pred, references, normalizer)
        assert abs(tenths / 10 - accuracy) < 1e-12, (pred, references)
        total, seen = total + tenths, seen | {tenths}
    metric = VQAAccuracy(normalizer)
    naive.update_in_parts(metric, *asked)
    assert metric.scores()["all"].value == total / (10 * SETS)
    assert seen == {0, 3, 6, 9, 10}, "the test met every outcome"


@pytest.mark.parametrize(
    "text, one, other",
    [
        ("The man's dog", "man 's dog", "man s dog"),
        ("a 1,000 dollars", "1000 dollars", "1000 dollars"),
        # only one of the scripts knows the hyphen ...
        ("red-blue", "red blue", "red-blue"),
        ("red - blue", "red blue", "red - blue"),
        # ... and only the other the colon
        ("10:30", "10:30", "10 30"),
        ("10:30, or later", "10:30 or later", "10 30 or later"),
        # a comma between digits deletes the colon
        ("1,5: red-blue", "15: red blue", "15 red-blue"),
        ("3.5 ... 2.", "3.5 2", "3.5 2"),
        ("dont", "don't", "don\u2019t"),
        # the first words of the older table were straight
        ("cant", "can't", "can't"),
        ("he\u2019dve", "he\u2019dve", "he\u2019d\u2019ve"),
        ("don't", "don't", "don t"),
        ("none of two", "0 of 2", "0 of 2"),
        ("!" * 3, "", "!!!"),
        # 32 full stops go, whatever their number
        ("." * 40 + "x", "." * 8 + "x", "." * 8 + "x"),
    ],
)
def test_the_quirks_of_both_scripts(text, one, other):
    assert (evalai(text), vqav2_official(text)) == (one, other)


def test_references_of_the_official_script_are_hardly_touched():
    alike, differ = ["Don't"] * 10, ["Don't"] * 9 + ["x"]
    assert normalize_vqa("x", alike, "vqav2_official").references == ("Don't",) * 10
    assert normalize_vqa("x", differ, "vqav2_official").references[0] == "Don t"
    assert [vqa_tenths("don't", ["don't"] * 10, name) for name in BOTH] == [10, 0]
    assert [vqa_tenths("don't", ["don't"] * 9 + ["x"], name) for name in BOTH] == [
        10,
        10,
    ]


def test_the_wrong_script_gives_another_number():
    references = [["10:30"] * 10, ["the two"] * 10, ["yes"] * 10]
    values = []
    for normalizer in BOTH:
        metric = VQAAccuracy(normalizer)
        metric.update(["10:30", "two", "yes"], references)
        values.append(metric.scores()["all"].value)
    assert values == [1, 1 / 3]


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
        ValueError, match="no normaliser 'official'; choose from evalai"
    ):
        VQAAccuracy("official")
