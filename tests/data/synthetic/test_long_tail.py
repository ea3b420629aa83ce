"""The long-tailed world: its facts, and questions of two steps that are true."""

from collections import Counter

import numpy as np
import pytest

from vlmcore.data.synthetic.icons import ICONS, VALUES
from vlmcore.data.synthetic.long_tail import (
    COMPOSED_KINDS,
    LONG_TAIL_TEXT,
    TAIL,
    composed,
    long_tail_facts,
)
from vlmcore.data.synthetic.vocabulary import SCENE_WORDS

KNOWN = long_tail_facts((0, 7))
NAMES = list(ICONS)
SCENES = composed(5, 2000, KNOWN, scored=True, draw=False)


def shown(sample):
    words = SCENES.descriptions[sample.image, :, 2]
    return [NAMES.index(SCENE_WORDS[word]) for word in words if word >= 0]


def value(icon, relation):
    return KNOWN.facts.values[icon, KNOWN.facts.relations.index(relation)]


def test_the_tail_is_a_power_law_and_half_of_every_relation_is_scored():
    weight = KNOWN.facts.weight
    assert len(set(KNOWN.facts.relations)) == len(weight) == 1024
    assert weight.sum() == pytest.approx(1)
    slopes = np.diff(np.log(weight)) / np.diff(np.log(np.arange(1024) + 1))
    np.testing.assert_allclose(slopes, -TAIL)
    assert (KNOWN.facts.asked.sum(0) == len(ICONS) // 2).all()


def test_every_icon_has_another_as_partner_and_is_one():
    assert sorted(KNOWN.partner) == list(range(len(ICONS)))
    assert (KNOWN.partner != np.arange(len(ICONS))).all()


def test_answers_are_true():
    for sample in SCENES.samples:
        icons, words = shown(sample), sample.question.split()
        relation = " ".join(words[-2:])
        if sample.kind == "partner":
            assert sample.answer == NAMES[KNOWN.partner[icons[0]]]
            continue
        if sample.kind == "two steps":
            values = [value(KNOWN.partner[icons[0]], relation)]
        elif sample.kind == "other":
            named = NAMES.index(words[1])
            values = [value(icon, relation) for icon in icons if icon != named]
        else:
            values = [max(value(icon, relation) for icon in icons)]
        assert [VALUES[v] for v in values] == [sample.answer]


def test_kinds_are_asked_equally_often_and_only_of_facts_of_the_split():
    counts = Counter(sample.kind for sample in SCENES.samples)
    assert set(counts) == set(COMPOSED_KINDS) and min(counts.values()) > 400
    for scored, seed in ((True, 5), (False, 6)):
        for sample in composed(seed, 300, KNOWN, scored=scored, draw=False).samples:
            if sample.kind == "two steps":
                relation = " ".join(sample.question.split()[-2:])
                column = KNOWN.facts.relations.index(relation)
                assert (KNOWN.facts.asked[:, column] != scored).any()


def test_worlds_and_scenes_are_functions_of_their_seed():
    assert not np.array_equal(KNOWN.facts.values, long_tail_facts((1, 7)).facts.values)
    again = composed(5, 2000, KNOWN, scored=True, draw=False)
    assert again.samples == SCENES.samples
    assert composed(6, 50, KNOWN, draw=False).samples != SCENES.samples[:50]


def test_every_word_is_in_the_vocabulary():
    words = {w for s in SCENES.samples for w in f"{s.question} {s.answer}".split()}
    assert words <= {*LONG_TAIL_TEXT, *SCENE_WORDS}
