import random
from functools import partial

import pytest

from tests.evaluation import messy, naive
from vlmcore.evaluation.metrics import GQA, ExactMatch, ShortAnswerAccuracy, normalize

COUNT = 20_000
ENDINGS = [
    "Yes.",
    "yes",
    " YES ",
    "no..",
    "no.",
    "3 . ",
    "3",
    ".",
    "Red",
    " two  words.",
]


RNG = random.Random(15)
TEXTS = [*messy.vocabulary(3000, 16), *ENDINGS * 100]
PREDS = RNG.choices(TEXTS, k=COUNT)
ANSWERS = [RNG.choice([t.lower(), f" {t}.", "yes", "no", "3"]) for t in PREDS]
REFERENCES = [[*RNG.sample(TEXTS, RNG.randrange(3)), answer] for answer in ANSWERS]
KNOWN = set(map(naive.exact, ANSWERS))


@pytest.mark.parametrize(
    "metric, target, right, read",
    [
        (GQA, ANSWERS, lambda pred, answer: naive.gqa(pred) == answer, naive.gqa),
        (
            ExactMatch,
            REFERENCES,
            lambda pred, ways: naive.exact(pred) in map(naive.exact, ways),
            naive.exact,
        ),
        (
            partial(ShortAnswerAccuracy, ANSWERS),
            ANSWERS,
            lambda pred, answer: naive.exact(pred) == naive.exact(answer),
            lambda pred: naive.exact(pred) in KNOWN,
        ),
    ],
)
def test_against_a_naive_count_on_many_answers(metric, target, right, read):
    kinds = random.Random(16).choices(["query", "verify"], k=COUNT)
    found = metric(kinds)
    choices = [2 if kind == "verify" else None for kind in kinds]
    naive.update_in_parts(found, PREDS, target, kinds, choices)
    scores = found.scores()
    expected = [right(*pair) for pair in zip(PREDS, target, strict=True)]
    for kind in ("query", "verify"):
        assert scores[kind].value == naive.share(expected, kinds, kind)
        assert 0.1 < scores[kind].value < 0.95
    assert (scores["verify"].chance, scores["query"].chance) == (0.5, 0)
    assert scores["all"].parseable == sum(bool(read(pred)) for pred in PREDS) / COUNT


@pytest.mark.parametrize(
    "text, plain",
    [
        (" Red. ", "red"),
        ("RED", "red"),
        ("red\n", "red"),
        ("a  b", "a b"),
        ("", ""),
        (".", ""),
        ("3.5", "3.5"),
    ],
)
def test_normalisation(text, plain):
    assert normalize(text) == plain


def test_gqa_only_drops_full_stops_and_capitals():
    texts = "Red.", "red..", " red", "red!", "a red"
    points = [GQA().judge(text, "red").points for text in texts]
    assert points == [1, 1, 0, 0, 0]
