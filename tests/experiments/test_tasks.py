"""The data sets of the grid as they are trained on and scored, as a whole."""

import numpy as np
import pytest

from vlmcore.data import easyvqa
from vlmcore.data.synthetic.icons import RELATIONS
from vlmcore.data.synthetic.vocabulary import SCENE_WORDS
from vlmcore.experiments import FAMILIES
from vlmcore.experiments.tasks import TASKS, load_task, synthetic
from vlmcore.experiments.tasks.synthetic import (
    FAMILY_TEST_SCENES,
    QUESTIONS,
    TRAIN_SCENES,
    world_seed,
)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_scored_is_new(name):
    """No image comes twice in four data sets, and held-out data have other facts."""
    parts = []
    for held_out in (False, True):
        task = load_task(name, held_out)
        assert len(task.train) == TRAIN_SCENES * QUESTIONS and len(
            task.test
        ) == FAMILY_TEST_SCENES == len(task.test_images)
        assert task.train_scenes.drawn() is task.train_images
        parts += [
            image.tobytes()
            for images in (task.train_images, task.test_images)
            for image in images
        ]
    assert len(set(parts)) == len(parts)
    assert world_seed(True) != world_seed(False)


@pytest.mark.slow
def test_no_scored_fact_is_asked_in_training():
    """The icons of training images are read off their descriptions."""
    task = load_task("knowledge")
    icon = task.train_scenes.descriptions[:, :, 2].max(1)
    trained = {
        (SCENE_WORDS[icon[sample.image]], sample.question) for sample in task.train
    }
    answers = {}
    for sample in task.train:
        answers.setdefault(
            (SCENE_WORDS[icon[sample.image]], sample.question), set()
        ).add(sample.answer)
    assert all(len(found) == 1 for found in answers.values()), "a fact is a fact"
    per_icon = {
        name: len({relation for other, relation in trained if other == name})
        for name in {name for name, _ in trained}
    }
    assert len(per_icon) == 64 and max(per_icon.values()) <= len(RELATIONS) // 2
    assert np.mean(list(per_icon.values())) > 28


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize(
    "name", [n for n, task in TASKS.items() if task.parts == (task,)]
)
def test_a_task_may_have_few_images(name, held_out):
    task = load_task(name, held_out, images=20)
    for samples, images in (
        (task.train, task.train_images),
        (task.test, task.test_images),
    ):
        assert samples and len(images) == 20
        assert {sample.image for sample in samples} <= set(range(20))


def test_held_out_runs_never_touch_the_test_split():
    task = load_task(held_out=True)
    assert {s.image for s in task.train}.isdisjoint({s.image for s in task.test})
    assert np.array_equal(task.test_images, easyvqa.load("train").images)


def test_development_worlds_are_other_worlds(monkeypatch):
    monkeypatch.setattr(synthetic, "TRAIN_SCENES", 20)
    monkeypatch.setattr(synthetic, "TEST_SCENES", 10)
    load = load_task.__wrapped__  # past the cache, which other tests fill
    reported, development = load("letters"), load("letters", held_out=True)
    assert (
        len(reported.train) == 20 * synthetic.QUESTIONS
        and len(reported.test) == len(reported.test_images) == 10
    )
    images = [
        task_images
        for task in (reported, development)
        for task_images in (task.train_images[:10], task.test_images)
    ]
    assert len({part.tobytes() for part in images}) == 4
    with pytest.raises(
        ValueError,
        match="no task 'vqa'; choose from easyvqa, word_facts, letters, attribute",
    ):
        load("vqa")
