"""Exposures of facts, against the texts of pre-training and planted curves."""

from collections import Counter

import numpy as np
import pytest

from vlmcore.data.synthetic.icons import ICONS, facts
from vlmcore.data.synthetic.task_families import knowledge
from vlmcore.data.synthetic.vocabulary import SCENE_WORDS, TEXT_WORDS
from vlmcore.experiments.analysis.exposures import (
    bits_of_facts,
    exposures,
    exposures_until_known,
    facts_asked,
)
from vlmcore.experiments.pretraining.curriculum import curriculum_batches
from vlmcore.models.language import word_tokenizer
from vlmcore.training.trainer import StageConfig

KNOWN = facts(1)


def test_questions_are_traced_to_their_facts():
    scenes = knowledge(3, 40, KNOWN, questions=2, draw=False)
    icon, relation = facts_asked(scenes, KNOWN)
    for i, r, sample in zip(icon, relation, scenes.samples, strict=True):
        words = scenes.descriptions[sample.image]
        named = [SCENE_WORDS[w] for w in words[words[:, 2] >= 0][0][2:]]
        assert named[0] == list(ICONS)[i] and KNOWN.relations[r] == sample.question


@pytest.mark.slow
def test_the_count_is_that_of_the_texts():
    """A batch of 20 steps, decoded: words after the start are question and answer."""
    tokenizer = word_tokenizer([*SCENE_WORDS, *TEXT_WORDS])
    batches, stated = curriculum_batches(tokenizer, KNOWN, 4, 7), Counter()
    for step in range(20):
        if step % 5 not in (0, 2):
            continue
        batch = batches(step)
        words = tokenizer.batch_decode(batch.batch.text, skip_special_tokens=True)
        stated.update(name for text in words for name in text.split()[::2])
    found = exposures(KNOWN, StageConfig(20, 1e-3, batch_size=4), 7).sum(0)
    by_name = dict(zip(KNOWN.relations, found, strict=True))
    assert {name: n for name, n in by_name.items() if n} == dict(stated)


def test_a_planted_curve_is_recovered():
    rng = np.random.default_rng(0)
    exposed = np.exp(rng.uniform(0, 7, 20_000)).round()
    wrong = rng.random(20_000) > 1 / (1 + (40 / exposed) ** 1.5)
    assert exposures_until_known(exposed, wrong) == pytest.approx(40, rel=0.05)
    with pytest.raises(ValueError, match="all 3 answers are wrong"):
        exposures_until_known(np.ones(3), np.ones(3))


def test_facts_hold_five_bits_each():
    assert bits_of_facts(KNOWN) == 64 * 128 * 5
