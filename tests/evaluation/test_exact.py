import math
import random

import pytest

from tests.evaluation import messy, naive
from vlmcore.data.samples import Sample
from vlmcore.evaluation.metrics import (
    GQA,
    ExactMatch,
    ShortAnswerAccuracy,
    gqa_normalize,
    normalize,
)
from vlmcore.evaluation.short_answers import (
    permute_images,
    question_only,
    score_answers,
)

ASKED = [
    Sample(0, "is it?", "yes", "yes/no", 2),
    Sample(1, "which?", "red", "colour", 8),
    Sample(2, "which?", "blue", "colour", 8),
]


def test_counts_shares_and_errors():
    scores = score_answers(["Yes.", "red", "banana"], ASKED)
    whole, colour = scores["all"], scores["colour"]
    assert (whole.value, whole.count) == (2 / 3, 3)
    assert whole.parseable == 2 / 3, "banana is no answer of this benchmark"
    assert whole.chance == pytest.approx((1 / 2 + 1 / 8 + 1 / 8) / 3)
    assert whole.standard_error == pytest.approx(math.sqrt(2 / 3 * 1 / 3 / 3))
    assert (colour.value, colour.count, colour.chance) == (0.5, 2, 1 / 8)


def test_against_a_plain_count_on_many_answers():
    rng = random.Random(0)
    words = [
        "yes",
        "no",
        "red",
        "Blue ",
        " teal.",
        "GREEN",
        "",
        "  two   words ",
        "red.",
        "x.y",
    ]
    said = [rng.choice(words) for _ in range(20_000)]
    samples = [
        Sample(
            i,
            "q",
            rng.choice(["yes", "red", "blue", "teal", "two words"]),
            rng.choice("ab"),
            4,
        )
        for i in range(20_000)
    ]
    right = 0
    for text, sample in zip(said, samples, strict=True):
        plain = " ".join(text.lower().split())
        right += (plain[:-1] if plain.endswith(".") else plain) == sample.answer
    assert score_answers(said, samples)["all"].value == right / 20_000


@pytest.mark.parametrize("change", ["ignored", "one", "moved"])
def test_the_score_moves_when_it_must(change):
    answers = [sample.answer for sample in ASKED]
    changed = {
        "ignored": ["yes"] * 3,
        "one": ["yes", "red", "teal"],
        "moved": answers[1:] + answers[:1],
    }[change]
    assert (
        score_answers(changed, ASKED)["all"].value
        < score_answers(answers, ASKED)["all"].value
        == 1
    )


def test_normalisation():
    assert [
        normalize(text) for text in (" Red. ", "RED", "red\n", "a  b", "", ".", "3.5")
    ] == ["red", "red", "red", "a b", "", "", "3.5"]


def test_updates_in_parts_are_one_update():
    whole, parts = (
        ShortAnswerAccuracy(["yes", "red", "blue"], ["yes/no", "colour"])
        for _ in range(2)
    )
    said = ["yes", "blue", "blue"]
    whole.update(said, ASKED)
    for text, sample in zip(said, ASKED, strict=True):
        parts.update([text], [sample])
    parts.update([], [])
    assert whole.compute() == parts.compute()


def test_shuffled_images_are_the_same_images_elsewhere():
    samples = [Sample(i // 3, f"q{i}", "yes", "yes/no", 2) for i in range(60)]
    shuffled = permute_images(samples)
    assert sorted(s.image for s in shuffled) == sorted(s.image for s in samples)
    assert [s.question for s in shuffled] == [s.question for s in samples]
    assert sum(a.image == b.image for a, b in zip(samples, shuffled, strict=True)) < 15
    assert (
        len({(a.image, b.image) for a, b in zip(samples, shuffled, strict=True)}) == 20
    ), "questions of an image stay together"


def test_the_question_only_guess():
    train = [
        *[Sample(0, "a?", "yes", "k", 2)] * 3,
        *[Sample(0, "a?", "no", "k", 2)] * 2,
        *[Sample(0, "b?", "no", "k", 2)] * 2,
    ]
    assert question_only(
        train, [Sample(0, q, "", "k", 2) for q in ("a?", "b?", "new?")]
    ) == ["yes", "no", "no"]


def test_bad_input_gets_a_sentence():
    metric = ShortAnswerAccuracy(["yes"], ["yes/no"])
    with pytest.raises(ValueError, match="2 predictions cannot answer 1"):
        metric.update(["a", "b"], ASKED[:1])
    with pytest.raises(ValueError, match=r"\['colour'\] were not announced"):
        metric.update(["a"], ASKED[1:2])
    with pytest.raises(ValueError, match="no question was asked"):
        metric.compute()


def test_gqa_against_a_plain_count_on_many_answers():
    rng, texts = (
        random.Random(12),
        [*messy.vocabulary(3000, 13), "Yes.", "no..", "Red", "left"] * 2,
    )
    said = [rng.choice(texts) for _ in range(20_000)]
    answers = [rng.choice([text.lower(), "yes", "no", "red"]) for text in said]
    kinds = [rng.choice(["verify", "query"]) for _ in said]
    metric = GQA(["verify", "query"])
    metric.update(
        said, answers, kinds, [2 if kind == "verify" else None for kind in kinds]
    )
    for kind in ("verify", "query"):
        right = asked = 0
        for text, answer, of in zip(said, answers, kinds, strict=True):
            while text and text[-1] == ".":
                text = text[:-1]
            asked, right = (
                asked + (of == kind),
                right + (of == kind and text.lower() == answer),
            )
        assert metric.compute()[kind].value == right / asked
    assert (metric.compute()["verify"].chance, metric.compute()["query"].chance) == (
        0.5,
        0,
    )


def test_gqa_only_drops_full_stops_and_capitals():
    assert [
        gqa_normalize(text) for text in ("Red.", "red..", " red", "red!", "a red")
    ] == ["red", "red", " red", "red!", "a red"]


@pytest.mark.parametrize("change", ["ignored", "swapped", "one answer"])
def test_gqa_moves_when_it_must(change):
    answers, kinds = (
        ["red", "left", "no", "yes"],
        ["query", "query", "verify", "verify"],
    )
    said = ["red", "left", "yes", "no"]

    def value(said, kinds):
        metric = GQA(["query", "verify"])
        metric.update(said, answers, kinds)
        return metric.compute()["query"].value

    changed = {
        "ignored": (["red"] * 4, kinds),
        "swapped": (said, kinds[::-1]),
        "one answer": (["blue", *said[1:]], kinds),
    }[change]
    assert value(*changed) < value(said, kinds) == 1


def test_exact_match_against_a_naive_count_on_many_answers():
    rng, texts = (
        random.Random(15),
        [
            *messy.vocabulary(3000, 16),
            *["Yes.", "yes", " YES ", "no..", "no.", "3 . ", "3", "."] * 100,
        ],
    )
    said = rng.choices(texts, k=20_000)
    references = [
        [
            *rng.sample(texts, k=rng.randrange(3)),
            rng.choice([text.upper(), f" {text}.", "yes", "no"]),
        ]
        for text in said
    ]
    kinds = rng.choices(["line", "word"], k=20_000)
    metric = ExactMatch(["line", "word"])
    for start in range(0, 20_000, 6000):
        metric.update(
            *(part[start : start + 6000] for part in (said, references, kinds))
        )
    scores = metric.compute()
    for kind in ("line", "word"):
        right = [
            naive.exact(text) in map(naive.exact, ways)
            for text, ways, of in zip(said, references, kinds, strict=True)
            if of == kind
        ]
        assert scores[kind].value == sum(right) / len(right)
        assert 0.2 < scores[kind].value < 0.95
    assert (
        scores["all"].parseable
        == sum(naive.exact(text) != "" for text in said) / 20_000
    )
