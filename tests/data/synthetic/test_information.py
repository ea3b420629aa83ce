import math
from collections import Counter

import pytest

from vlmcore.data.synthetic.icons import facts
from vlmcore.data.synthetic.information import bits
from vlmcore.data.synthetic.task_families import (
    KINDS,
    SCENE_WORDS,
    knowledge,
    ocr,
    reasoning,
)

KNOWN = facts(3)


def entropy(things):
    """In bits, of the frequencies with which things occur."""
    counts = Counter(things).values()
    return sum(-n / sum(counts) * math.log2(n / sum(counts)) for n in counts)


def test_no_kind_is_forgotten():
    asked = {
        s.kind
        for family in (knowledge, reasoning)
        for s in family(1, 500, KNOWN, draw=False).samples
    }
    assert set(bits()) == asked | {s.kind for s in ocr(1, 500, draw=False).samples}
    assert all(needs.known <= needs.unknown for needs in bits().values())


def test_answers_that_can_be_seen_have_the_entropy_that_is_said():
    """Counts are the exception: 0 to 3 are not equally likely, and two bits are an upper bound. Facts are known, not seen."""
    samples = (
        reasoning(1, 6000, KNOWN, questions=10, draw=False).samples
        + ocr(2, 20_000, draw=False).samples
    )
    for kind in set(bits()) - {"fact", "hop", "count"}:
        answers = [sample.answer for sample in samples if sample.kind == kind]
        assert entropy(answers) == pytest.approx(bits()[kind].known, abs=0.02), kind
    assert (
        entropy(s.answer for s in samples if s.kind == "count")
        < bits()["count"].known
        == 2
    )
    seen = knowledge(1, 20_000, KNOWN, draw=False).notes[:, :, 2].max(1)
    assert entropy(SCENE_WORDS[word] for word in seen) == pytest.approx(
        bits()["fact"].known, abs=0.02
    )


def test_what_everything_takes_by_counting():
    one, two = bits()["1 character"], bits()["2 characters"]
    assert one.unknown == one.known  # there is nothing else to ask about
    assert two.unknown - one.unknown == pytest.approx(
        (math.log2(16) + math.log2(10)) / 2
    )
    scenes = [math.comb(64, n) * 8**n * 2 for n in (2, 3, 4)]
    assert [bits()[kind].unknown for kind in KINDS] == pytest.approx(
        [sum(map(math.log2, scenes)) / 3] * len(KINDS)
    )
