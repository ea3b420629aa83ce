import sys

import numpy as np
import pytest

from vlmcore.data import easyvqa


@pytest.fixture(scope="module")
def splits():
    return easyvqa.load("train"), easyvqa.load("test")


def colours_of(content):
    """The RGB colour of each content."""
    return np.array([easyvqa.COLOURS[easyvqa.CONTENTS[i][0]] for i in content])


def test_the_official_split(splits):
    train, test = splits
    assert (train.images.shape, len(train.samples)) == ((4000, 3, 64, 64), 38575)
    assert (test.images.shape, len(test.samples)) == ((1000, 3, 64, 64), 9673)
    assert sum(sample.kind == "yes/no" for sample in test.samples) == 7136
    assert max(sample.image for sample in test.samples) < 1000


def test_the_rule_gives_every_published_answer(splits):
    for data in splits:
        content = easyvqa.contents(data)
        known = [sample for sample in data.samples if content[sample.image] >= 0]
        assert len(known) > 0.8 * len(data.samples)
        for image, question, answer, *_ in known:
            shown = easyvqa.CONTENTS[content[image]]
            assert easyvqa.answer(question, *shown) == answer


def test_contents_agree_with_the_pixels(splits):
    train, _ = splits
    content = easyvqa.contents(train)
    known = np.flatnonzero(content >= 0)[:200]
    same = train.images[known] == colours_of(content[known])[:, :, None, None]
    assert same.all(1).any((1, 2)).all()


def test_centres_are_those_of_the_shapes():
    images = np.full((2, 3, 8, 8), 7, np.uint8)
    images[0, 1, 0:2, 4:8], images[1, :, 3:5, 3:5] = 0, 255
    assert np.allclose(easyvqa.centres(images), [[1 / 8, 6 / 8], [0.5, 0.5]])


def test_centres_lie_on_the_shapes(splits):
    """Every shape of the data set is convex, so its centre has its colour."""
    train, _ = splits
    content = easyvqa.contents(train)
    known = np.flatnonzero(content >= 0)[::8]
    row, column = (easyvqa.centres(train.images[known]) * 64).astype(int).T
    assert (train.images[known, :, row, column] == colours_of(content[known])).all()


def test_training_text_asks_only_what_makes_sense():
    questions = ["what color is the circle?", "is there no red shape?"]
    text = easyvqa.training_text(questions)
    circles, red = ([s for s in text if s.question.endswith(q)] for q in questions)
    assert (len(circles), len(red), len(text)) == (8, 24, 32)
    assert all(" circle . " in sample.question for sample in circles)
    assert circles[0].question == "a red circle . what color is the circle?"
    for sample in red:
        assert (sample.answer == "no") == sample.question.startswith("a red")


def test_a_missing_package_is_named_with_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "easy_vqa", None)
    with pytest.raises(ModuleNotFoundError, match="pip install easy-vqa"):
        easyvqa.load("train")
