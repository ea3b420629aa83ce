from collections import Counter

import numpy as np
import pytest

from vlmcore.data.synthetic.benchmark_questions import benchmark_scenes
from vlmcore.data.synthetic.letters_and_shapes import WORDS

EXAM = benchmark_scenes(3, 60)


def content(scenes, row):
    """What is in a scene, read off its notes apart from the module."""
    return [
        tuple(WORDS[i] for i in place[1:] if i >= 0)
        for place in scenes.notes[row]
        if place[1] >= 0
    ]


def truth(item, there):
    """The answer that the scene gives to a question about shapes."""
    words = (
        item.question.removesuffix("?")
        .removesuffix(" in the image")
        .removesuffix(" in this image")
        .split()
    )
    if item.question.startswith("What color"):
        return {form: colour for colour, form in there}.get(words[-1], "unanswerable")
    if item.question.startswith("Which shape"):
        return dict(there)[words[-1]]
    if item.question.startswith("How many"):
        return str(len(there))
    if item.question.startswith("Are there"):
        return "Yes" if {"two": 2, "three": 3}[words[2]] == len(there) else "No"
    if item.question.startswith("Is there a") and len(words) == 5:
        return "yes" if (words[3], words[4]) in there else "no"
    if item.question.startswith("Is there a"):
        return "Yes" if words[3] in {form for _, form in there} else "No"
    return "yes" if (words[3], words[2]) in there else "no"


@pytest.mark.parametrize("name", [name for name in EXAM.items if name != "textvqa"])
def test_every_answer_is_what_the_scene_shows(name):
    for item in EXAM.items[name]:
        if item.image is not None:
            assert (
                truth(item, content(EXAM.shapes, item.image)).lower()
                == item.answer.lower()
            ), item


def test_letters_are_where_they_are_asked_for_and_hints_name_them():
    for item in EXAM.items["textvqa"]:
        place = WORDS.index(item.question.removesuffix("?").split()[-1])
        at = next(note for note in EXAM.letters.notes[item.image] if note[0] == place)
        assert WORDS[at[1]] == item.answer and item.answer.upper() in item.hints[0]


def test_pope_is_balanced_and_its_splits_differ_in_what_is_absent():
    for split in ("random", "popular", "adversarial"):
        items = [item for item in EXAM.items["pope"] if item.kind == split]
        assert Counter(item.answer for item in items) == {"yes": 60, "no": 60}
        for item in items:
            colour, form = item.question.removesuffix(" in the image?").split()[-2:]
            there = content(EXAM.shapes, item.image)
            if item.answer == "no" and split == "adversarial":
                assert colour in {c for c, _ in there} and form in {f for _, f in there}
            if item.answer == "no" and split != "adversarial":
                assert colour not in {c for c, _ in there}


def test_mme_asks_in_pairs_and_ten_people_mostly_agree():
    items = EXAM.items["mme"]
    assert all(
        (a.image, a.kind, a.answer, b.answer) == (b.image, b.kind, "Yes", "No")
        for a, b in zip(items[::2], items[1::2], strict=True)
    )
    for name in ("vqav2", "vizwiz", "textvqa"):
        assert all(
            len(item.people) == 10 and item.people.count(item.answer) >= 5
            for item in EXAM.items[name]
        )


def test_samples_are_the_items_with_rows_of_one_array_of_images():
    samples = EXAM.samples()
    assert (
        len(samples) == sum(map(len, EXAM.items.values()))
        and EXAM.images.shape[0] == 75
    )
    assert {s.image for s in samples if s.kind == "textvqa"} == set(range(60, 75))
    hinted = ["Reference" in s.question for s in samples if s.kind == "textvqa"]
    assert hinted[:4] == [False, True, False, True]
    assert all(
        s.answer in "ABCD" for s in samples if s.kind in ("mmbench", "scienceqa")
    )


def test_a_quiz_is_a_function_of_its_seed():
    again, other = benchmark_scenes(3, 60), benchmark_scenes(4, 60)
    assert again.items == EXAM.items and np.array_equal(again.images, EXAM.images)
    assert other.items != EXAM.items
    assert benchmark_scenes(3, 60, draw=False).items == EXAM.items
