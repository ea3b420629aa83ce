from collections import Counter

import numpy as np
import pytest

from vlmcore.data.synthetic.benchmark_questions import benchmark_scenes
from vlmcore.data.synthetic.letters_and_shapes import DESCRIPTION_WORDS

SCENES = benchmark_scenes(3, 60)


def content(scenes, row):
    """The objects of a scene, read from its description apart from the module."""
    return [
        tuple(DESCRIPTION_WORDS[i] for i in cell[1:] if i >= 0)
        for cell in scenes.descriptions[row]
        if cell[1] >= 0
    ]


def truth(question, shown):
    """The answer that the scene gives to a question about shapes."""
    shape_of = dict(shown)
    colour_of = {shape: colour for colour, shape in shown}
    match question.rstrip("?").split():
        case "What", "color", _, _, shape:
            return colour_of.get(shape, "unanswerable")
        case "Which", "shape", _, colour:
            return shape_of[colour]
        case "How", "many", *_:
            return str(len(shown))
        case "Are", "there", number, *_:
            right = {"two": 2, "three": 3}[number] == len(shown)
        case "Is", "there", "a", colour, shape, "in", "the", "image":
            right = shape_of.get(colour) == shape
        case "Is", "there", "a", shape, "in", "this", "image":
            right = shape in colour_of
        case "Is", "the", shape, colour:
            right = shape_of.get(colour) == shape
    return "yes" if right else "no"


@pytest.mark.parametrize("name", sorted(set(SCENES.questions) - {"textvqa"}))
def test_every_answer_is_what_the_scene_shows(name):
    for item in SCENES.questions[name]:
        if item.image is not None:
            shown = content(SCENES.shapes, item.image)
            assert truth(item.question, shown) == item.answer.lower(), item


def test_letters_are_where_they_are_asked_for_and_in_the_hints():
    for item in SCENES.questions["textvqa"]:
        position = DESCRIPTION_WORDS.index(item.question.rstrip("?").split()[-1])
        cells = SCENES.letters.descriptions[item.image]
        (letter,) = cells[cells[:, 0] == position, 1]
        assert DESCRIPTION_WORDS[letter] == item.answer
        assert item.answer.upper() in item.hints[0]


@pytest.mark.parametrize("split", ["random", "popular", "adversarial"])
def test_pope_is_balanced_and_its_splits_differ_in_what_is_absent(split):
    items = [item for item in SCENES.questions["pope"] if item.kind == split]
    assert Counter(item.answer for item in items) == {"yes": 60, "no": 60}
    for item in items:
        colour, shape = item.question.removesuffix(" in the image?").split()[-2:]
        colours, shapes = zip(*content(SCENES.shapes, item.image), strict=True)
        if item.answer == "no":
            assert (colour in colours) == (split == "adversarial")
            assert shape in shapes or split == "random"


def test_mme_asks_two_questions_of_one_kind_about_an_image():
    items = SCENES.questions["mme"]
    for yes, no in zip(items[::2], items[1::2], strict=True):
        assert (yes.image, yes.kind) == (no.image, no.kind)
        assert (yes.answer, no.answer) == ("Yes", "No")


@pytest.mark.parametrize("name", ["vqav2", "vizwiz", "textvqa"])
def test_half_of_ten_annotators_or_more_agree(name):
    for item in SCENES.questions[name]:
        assert len(item.human_answers) == 10
        assert item.human_answers.count(item.answer) >= 5


def test_samples_are_the_questions_with_rows_of_one_array_of_images():
    samples = SCENES.samples()
    assert len(samples) == sum(map(len, SCENES.questions.values()))
    assert len(SCENES.images) == len(SCENES.descriptions) == 75
    signs = [sample for sample in samples if sample.kind == "textvqa"]
    assert {sample.image for sample in signs} == set(range(60, 75))
    hinted = ["Reference" in sample.question for sample in signs]
    assert hinted[:4] == [False, True, False, True]
    lettered = [s.answer for s in samples if s.kind in ("mmbench", "scienceqa")]
    assert set(lettered) <= set("ABCD")


def test_the_questions_are_a_function_of_the_seed():
    again, other = benchmark_scenes(3, 60), benchmark_scenes(4, 60)
    assert again.questions == SCENES.questions != other.questions
    assert np.array_equal(again.images, SCENES.images)
    assert benchmark_scenes(3, 60, draw=False).questions == SCENES.questions
