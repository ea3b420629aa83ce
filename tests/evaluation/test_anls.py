import random

import pytest
from anls.metrics import anls_score as oracle

from tests.evaluation import messy, naive
from vlmcore.evaluation.metrics import ANLS, ExactMatch, anls

COUNT = 20_000


def misread(rng, text):
    letters = list(text)
    for _ in range(rng.randrange(0, 4)):
        if letters:
            i = rng.randrange(len(letters))
            letters[i : i + 1] = rng.choice(
                [[], ["x"], [letters[i], "y"], [letters[i].upper()]]
            )
    return "".join(letters)


def test_against_an_independent_package():
    rng, texts = random.Random(9), [text[:24] for text in messy.vocabulary(4000, 10)]
    target = [rng.sample(texts, rng.randrange(1, 4)) for _ in range(COUNT)]
    preds = [
        misread(rng, rng.choice(right)) if rng.random() < 0.8 else rng.choice(texts)
        for right in target
    ]
    expected = [oracle(*pair) for pair in zip(preds, target, strict=True)]
    found = [anls(*pair) for pair in zip(preds, target, strict=True)]
    metric = ANLS()
    metric.update(preds, target)
    assert found == pytest.approx(expected, abs=1e-12)
    mean = sum(expected) / COUNT
    assert metric.scores()["all"].value == pytest.approx(mean, abs=1e-12)
    assert sum(0 < value < 1 for value in expected) > 5000


def test_the_distance_is_levenshteins():
    """Of short texts in any script, and of long ones that are shifted."""
    rng = random.Random(11)
    pairs = [
        ["".join(rng.choices("abß日é\u0661", k=rng.randrange(12))) for _ in "ab"]
        for _ in range(300)
    ]
    long = "".join(rng.choices("abcdefgh", k=200))
    for one, other in [*pairs, ("z" * 150 + long, misread(rng, long).lower())]:
        length = max(len(one.upper()), len(other.upper()), 1)
        distance = length * (1 - anls(one, [other], threshold=2))
        assert distance == pytest.approx(naive.levenshtein(one, other), abs=1e-9)


def test_long_answers_against_the_package():
    """A page that was read off and misread here and there, of hundreds of letters."""
    rng = random.Random(17)
    pages = [
        " ".join(messy.vocabulary(60, seed))[: rng.randrange(200, 800)]
        for seed in range(12)
    ]
    for page in pages:
        pred = page
        for _ in range(rng.randrange(1, 40)):
            pred = misread(rng, pred)
        expected = oracle(pred, [page, pages[0]])
        assert anls(pred, [page, pages[0]]) == pytest.approx(expected, abs=1e-12)
    assert 0 < anls(pred, [page]) < 1


def test_very_long_answers_cost_no_time():
    assert anls("x" * 1_000_000, ["x"]) == 0


@pytest.mark.parametrize(
    "text, value",
    [
        ("", 0),
        ("hello", 1),
        (" HELLO ", 1),
        ("hallo", 0.8),
        ("xxllo", 0.6),
        ("xxxlo", 0),
    ],
)
def test_a_misread_letter_costs_little_and_half_of_them_everything(text, value):
    assert anls(text, ["hello"]) == pytest.approx(value)


def test_exact_match_is_stricter():
    target = [["hello", "x"], ["hello"], ["hello"]]
    strict, lenient = ExactMatch(), ANLS()
    for metric in (strict, lenient):
        metric.update(["Hello.", "hallo", ""], target)
    assert strict.scores()["all"].value == pytest.approx(1 / 3)
    assert lenient.scores()["all"].value == pytest.approx((5 / 6 + 0.8) / 3)
    assert strict.scores()["all"].parseable == 2 / 3


def test_there_must_be_a_reference():
    with pytest.raises(ValueError, match="at least one"):
        anls("x", [])
