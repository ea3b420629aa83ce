import builtins

import numpy as np
import pytest

from vlmcore.data import easyvqa


@pytest.fixture(scope="module")
def splits():
    return easyvqa.load("train"), easyvqa.load("test")


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
        assert all(
            easyvqa.answer(s.question, *easyvqa.CONTENTS[content[s.image]]) == s.answer
            for s in known
        )


def test_contents_agree_with_the_pixels(splits):
    train, _ = splits
    content = easyvqa.contents(train)
    for image in np.flatnonzero(content >= 0)[:200]:
        colour = np.array(easyvqa.COLOURS[easyvqa.CONTENTS[content[image]][0]])
        assert (colour == train.images[image].reshape(3, -1).T).all(1).any()


def test_centres_are_those_of_the_shapes():
    images = np.full((2, 3, 8, 8), 7, np.uint8)
    images[0, 1, 0:2, 4:8], images[1, :, 3:5, 3:5] = 0, 255
    assert np.allclose(easyvqa.centres(images), [[1 / 8, 6 / 8], [0.5, 0.5]])


def test_centres_lie_on_the_shapes(splits):
    """Every shape of the data set is convex, so its middle has its colour."""
    train, _ = splits
    content, (rows, columns) = (
        easyvqa.contents(train),
        (easyvqa.centres(train.images) * 64).astype(int).T,
    )
    known = np.flatnonzero(content >= 0)
    colours = np.array(
        [easyvqa.COLOURS[easyvqa.CONTENTS[content[image]][0]] for image in known]
    )
    assert (train.images[known, :, rows[known], columns[known]] == colours).all()


def test_told_questions_are_asked_only_where_they_make_sense():
    told = easyvqa.told(["what color is the circle?", "is there no red shape?"])
    assert len(told) == 8 + 24
    assert {"a red circle . what color is the circle?", "a teal box"} & {
        s.question for s in told
    } == {"a red circle . what color is the circle?"}
    assert {
        s.answer
        for s in told
        if s.question.startswith("a red") and "no red" in s.question
    } == {"no"}


def test_a_missing_package_is_named_with_the_command(monkeypatch):
    real = builtins.__import__
    monkeypatch.setattr(
        builtins,
        "__import__",
        lambda name, *a, **k: (
            (_ for _ in ()).throw(ModuleNotFoundError(name))
            if name == "easy_vqa"
            else real(name, *a, **k)
        ),
    )
    with pytest.raises(ModuleNotFoundError, match="pip install easy-vqa"):
        easyvqa.load("train")
