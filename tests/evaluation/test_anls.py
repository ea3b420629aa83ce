import hashlib
import json
import random
from pathlib import Path

import pytest
from anls.metrics import anls_score as oracle

from tests.evaluation import messy, naive
from tests.evaluation.messy import misread
from vlmcore.evaluation.metrics import ANLS, ExactMatch, anls

COUNT, SEED = 24_000, 22
GOLDEN = json.loads((Path(__file__).parent / "golden" / "docvqa.json").read_text())


@pytest.fixture(scope="module")
def read():
    return messy.readings(COUNT, SEED)


def test_every_score_is_that_of_docvqas_script(read):
    """The script was run elsewhere; sums of a hundred of its scores were recorded."""
    code = hashlib.sha256(json.dumps(read).encode()).hexdigest()
    assert code == GOLDEN["sha256 of the inputs as JSON"], "the inputs are others"
    found = [anls(*pair) for pair in read]
    sums = [sum(found[i : i + 100]) for i in range(0, COUNT, 100)]
    assert sums == pytest.approx(GOLDEN["sums of each hundred"], abs=1e-8)
    metric = ANLS()
    metric.update(*zip(*read[:1000], strict=True))
    mean = metric.scores()["all"].value
    assert mean == pytest.approx(sum(sums[:10]) / 1000, abs=1e-9)


def test_the_papers_formula_against_an_independent_package(read):
    part = read[:3000]
    expected = [oracle(*pair) for pair in part]
    found = [anls(*pair, rule="paper") for pair in part]
    assert found == pytest.approx(expected, abs=1e-12)
    assert sum(0 < value < 1 for value in expected) > 1000
    differ = sum(anls(*pair) != value for pair, value in zip(part, found, strict=True))
    assert differ > 50, "the two rules differ"


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
        distance = length * (1 - anls(one, [other], threshold=0))
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
        found = anls(pred, [page, pages[0]], rule="paper")
        assert found == pytest.approx(expected, abs=1e-12)
    assert 0 < anls(pred, [page]) < 1


def test_very_long_answers_cost_no_time():
    assert anls("x" * 1_000_000, ["x"]) == 0


@pytest.mark.parametrize(
    "text, script, paper",
    [
        ("", 0, 0),
        ("hellos", 1, 1),
        (" HELLOS ", 1, 1),
        ("hallos", 5 / 6, 5 / 6),
        # the script counts the spaces of the answer as it was given
        ("hallos  ", 7 / 8, 5 / 6),
        # half of it is right: worth a half by the script, nothing by the formula
        ("xxxlos", 0.5, 0),
        ("xxxxos", 0, 0),
    ],
)
def test_a_misread_letter_costs_little_and_most_of_them_everything(text, script, paper):
    assert anls(text, ["hellos"]) == pytest.approx(script)
    assert anls(text, ["hellos"], rule="paper") == pytest.approx(paper)


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


def test_there_must_be_such_a_rule():
    with pytest.raises(ValueError, match="'docvqa' is not known; choose from script"):
        ANLS(rule="docvqa")
