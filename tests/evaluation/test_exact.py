import math
import random

import pytest

from tests.evaluation import messy, naive
from vlmcore.data.samples import Sample
from vlmcore.evaluation.metrics import GQA, ExactMatch, normalize
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


def test_normalisation():
    assert [
        normalize(text) for text in (" Red. ", "RED", "red\n", "a  b", "", ".", "3.5")
    ] == ["red", "red", "red", "a b", "", "", "3.5"]


def test_permuted_images_are_the_same_images_elsewhere():
    samples = [Sample(i // 3, f"q{i}", "yes", "yes/no", 2) for i in range(60)]
    permuted = permute_images(samples)
    assert sorted(s.image for s in permuted) == sorted(s.image for s in samples)
    assert [s.question for s in permuted] == [s.question for s in samples]
    assert sum(a.image == b.image for a, b in zip(samples, permuted, strict=True)) < 15
    assert (
        len({(a.image, b.image) for a, b in zip(samples, permuted, strict=True)}) == 20
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
        assert metric.scores()[kind].value == right / asked
    assert (metric.scores()["verify"].chance, metric.scores()["query"].chance) == (
        0.5,
        0,
    )


def test_gqa_only_drops_full_stops_and_capitals():
    texts = "Red.", "red..", " red", "red!", "a red"
    points = [GQA().judge(text, "red").points for text in texts]
    assert points == [1, 1, 0, 0, 0]


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
    scores = metric.scores()
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
