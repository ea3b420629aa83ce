import math
from collections import Counter

import pytest

from vlmcore.data.synthetic.icons import facts
from vlmcore.data.synthetic.information import bits
from vlmcore.data.synthetic.task_families import knowledge, ocr, reasoning
from vlmcore.data.synthetic.vocabulary import REASONING_KINDS

KNOWN = facts(3)


def entropy(outcomes):
    """Returns the entropy of the observed frequencies, in bits."""
    counts = Counter(outcomes).values()
    return sum(-n / sum(counts) * math.log2(n / sum(counts)) for n in counts)


def test_every_kind_has_its_bits():
    asked = {
        sample.kind
        for scenes in (
            knowledge(1, 500, KNOWN, draw=False),
            reasoning(1, 500, KNOWN, draw=False),
            ocr(1, 500, draw=False),
        )
        for sample in scenes.samples
    }
    assert set(bits()) == asked
    assert all(needs.known <= needs.unknown for needs in bits().values())


def test_answers_from_the_image_have_the_entropy_that_is_claimed():
    """Two bits for a count are an upper bound, since 0 to 3 are not equally likely."""
    samples = [
        *reasoning(1, 6000, KNOWN, questions=10, draw=False).samples,
        *ocr(2, 20_000, draw=False).samples,
    ]
    for kind in set(bits()) - {"fact", "hop"}:
        found = entropy(sample.answer for sample in samples if sample.kind == kind)
        if kind == "count":
            assert found < bits()[kind].known == 2
        else:
            assert found == pytest.approx(bits()[kind].known, abs=0.02), kind
    icons = knowledge(1, 20_000, KNOWN, draw=False).descriptions[:, :, 2].max(1)
    assert entropy(icons) == pytest.approx(bits()["fact"].known, abs=0.02)


def test_bits_with_the_question_unknown_by_counting():
    one, two = bits()["1 character"], bits()["2 characters"]
    assert one.unknown == one.known  # there is nothing else to ask about
    both = (math.log2(16) + math.log2(10)) / 2
    assert two.unknown - one.unknown == pytest.approx(both)
    scenes = [math.comb(64, n) * 8**n * 2 for n in (2, 3, 4)]
    expected = sum(map(math.log2, scenes)) / 3
    assert all(bits()[k].unknown == pytest.approx(expected) for k in REASONING_KINDS)
