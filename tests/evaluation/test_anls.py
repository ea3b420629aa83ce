import random

import pytest
from anls.metrics import anls_score as oracle

from tests.evaluation import messy, naive
from vlmcore.evaluation.anls import edit_distance
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
    references = [rng.sample(texts, rng.randrange(1, 4)) for _ in range(COUNT)]
    said = [
        misread(rng, rng.choice(right)) if rng.random() < 0.8 else rng.choice(texts)
        for right in references
    ]
    expected = [
        oracle(text, right) for text, right in zip(said, references, strict=True)
    ]
    found = [anls(text, right) for text, right in zip(said, references, strict=True)]
    metric = ANLS()
    metric.update(said, references)
    assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) < 1e-12
    assert metric.compute()["all"].value == pytest.approx(
        sum(expected) / COUNT, abs=1e-12
    )
    assert sum(0 < value < 1 for value in expected) > 5000


def test_the_distance_is_levenshteins():
    rng = random.Random(11)
    for _ in range(300):
        one, other = (
            "".join(rng.choices("abß", k=rng.randrange(12))) for _ in range(2)
        )
        assert edit_distance(one, other) == naive.levenshtein(one, other)


def test_long_answers_against_the_package():
    """A page that was read off, misread here and there: hundreds of letters, where the distance is a sum over many rows."""
    rng = random.Random(17)
    pages = [
        " ".join(messy.vocabulary(60, seed))[: rng.randrange(200, 800)]
        for seed in range(40)
    ]
    for page in pages:
        said = page
        for _ in range(rng.randrange(1, 40)):
            said = misread(rng, said)
        assert anls(said, [page, pages[0]]) == pytest.approx(
            oracle(said, [page, pages[0]]), abs=1e-12
        )
    assert 0 < anls(said, [page]) < 1


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
    strict, lenient = ExactMatch(["word"]), ANLS(["word"])
    for metric in (strict, lenient):
        metric.update(
            ["Hello.", "hallo", ""],
            [["hello", "x"], ["hello"], ["hello"]],
            ["word"] * 3,
        )
    assert strict.compute()["word"].value == pytest.approx(1 / 3)
    assert lenient.compute()["word"].value == pytest.approx((5 / 6 + 0.8) / 3)
    assert strict.compute()["all"].parseable == 2 / 3


def test_bad_input_gets_a_sentence():
    with pytest.raises(ValueError, match="at least one"):
        anls("x", [])
    with pytest.raises(ValueError, match="1 predictions cannot answer 2"):
        ANLS().update(["x"], [["x"], ["y"]])
