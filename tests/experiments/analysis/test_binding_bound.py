"""The bound on binding, against scenes that were counted by hand."""

import numpy as np
import pytest

from vlmcore.data.samples import Sample
from vlmcore.data.synthetic.icons import ICONS, facts
from vlmcore.data.synthetic.scenes import Scenes
from vlmcore.data.synthetic.task_families import reasoning
from vlmcore.data.synthetic.vocabulary import SCENE_WORDS
from vlmcore.experiments.analysis.binding_bound import binding_bound

KNOWN = facts(1)
OBJECTS = [(0, "sun", "red"), (3, "moon", "blue"), (15, "star", "blue")]


def scene(question, kind, answer=""):
    """One scene with OBJECTS and a question about it."""
    words = np.full((1, 16, 4), -1)
    for cell, *names in OBJECTS:
        words[0, cell, 2:] = [SCENE_WORDS.index(name) for name in names]
    return Scenes([Sample(0, question, answer, kind, 2)], words, None, 2)


@pytest.mark.parametrize(
    ("question", "kind", "bounds"),
    [
        # at V = 1 two of three colours are blue; at V = 4 every icon is alone
        ("color sun", "color", (1 / 3, 0, 0)),
        ("icon red", "icon", (2 / 3, 0, 0)),
        ("count blue", "count", (0, 0, 0)),
        # columns 1 and 4 of a row: known once tokens are halves of it
        ("left sun moon", "left", (1 / 2, 0, 0)),
        # only moon and star can share: sun is the one whose colour is its own
        ("same moon star", "same", (0, 0, 0)),
    ],
)
def test_one_scene_by_hand(question, kind, bounds):
    for v, bound in zip((1, 4, 16), bounds, strict=True):
        found = binding_bound(scene(question, kind), KNOWN, v)
        assert found == pytest.approx([bound])


def test_a_hop_may_be_right_by_chance():
    relation = KNOWN.relations[0]
    values = KNOWN.values[[list(ICONS).index(name) for _, name, _ in OBJECTS], 0]
    most = max(np.bincount(values))
    found = binding_bound(scene(f"{relation} red", "hop"), KNOWN, 1)
    assert found == pytest.approx([1 - most / 3])


def test_a_cell_for_each_token_needs_no_binding():
    scenes = reasoning(3, 300, KNOWN, scored=True, draw=False)
    few, more, cells = (binding_bound(scenes, KNOWN, v).mean() for v in (1, 4, 16))
    assert few > more > cells == 0
    with pytest.raises(ValueError, match="V = 36 does not cut"):
        binding_bound(scenes, KNOWN, 36)
