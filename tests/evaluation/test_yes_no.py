import math
import random

import numpy as np
import pytest

from tests.evaluation import messy, naive
from vlmcore.evaluation.metrics import MME, POPE, mme_answer, pope_answer
from vlmcore.evaluation.mme import SUMS

COUNT = 20_000
PERCEPTION, COGNITION = SUMS.values()
SPLITS = ["random", "popular", "adversarial"]


@pytest.fixture(scope="module")
def texts():
    rng = random.Random(2)
    plain = [
        "Yes",
        "No",
        "yes",
        "no",
        "Yes.",
        "No.",
        "Yes, there is.",
        "No, there is not.",
        "There is no dog",
        "NO",
        "no\n",
        "",
    ]
    return [
        rng.choice(plain) if rng.random() < 0.6 else text
        for text in messy.vocabulary(COUNT, 3)
    ]


def test_pope_against_a_naive_count(texts):
    rng = random.Random(4)
    labels, splits = rng.choices(["yes", "no"], k=COUNT), rng.choices(SPLITS, k=COUNT)
    metric = POPE(SPLITS)
    for start in range(0, COUNT, 6000):
        metric.update(*(part[start : start + 6000] for part in (texts, labels, splits)))
    scores, means = metric.scores(), []
    for split in SPLITS:
        pairs = [
            (naive.pope(text), label)
            for text, label, of in zip(texts, labels, splits, strict=True)
            if of == split
        ]
        precision, recall, f1, accuracy, yes = naive.f1(pairs)
        found = scores[split]
        assert (
            found.precision.value,
            found.recall.value,
            found.accuracy.value,
            found.yes_ratio.value,
        ) == (
            precision,
            recall,
            accuracy,
            yes,
        )
        assert found.f1.value == pytest.approx(f1, abs=1e-12) and found.f1.count == len(
            pairs
        )
        means.append(f1)
    assert scores["mean"].f1.value == pytest.approx(sum(means) / 3, abs=1e-12)
    assert scores["mean"].f1.count == COUNT


@pytest.mark.parametrize(
    "text, says",
    [
        ("", "yes"),
        ("no", "no"),
        ("NO", "yes"),
        ("nothing", "yes"),
        ("Yes. There is no doubt", "yes"),
        ("it is not, no", "no"),
        ("no\n", "yes"),
    ],
)
def test_popes_rule(text, says):
    assert pope_answer(text) == says


def test_an_answer_that_says_neither_counts_as_yes_but_is_not_parseable():
    metric = POPE()
    metric.update(["", "Yes", "no", "a dog"], ["yes", "yes", "no", "no"])
    scores = metric.scores()["all"]
    assert (
        scores.accuracy.value,
        scores.accuracy.parseable,
        scores.yes_ratio.value,
    ) == (0.75, 0.5, 0.75)


def test_the_errors_of_pope_are_those_of_drawing_the_questions_again():
    rng = np.random.default_rng(0)
    labels, said = rng.integers(2, size=600), rng.integers(2, size=600)
    said = np.where(rng.random(600) < 0.6, labels, said)
    words = np.array(["no", "yes"])

    def scores(rows):
        metric = POPE()
        metric.update(words[said[rows]].tolist(), words[labels[rows]].tolist())
        return metric.scores()["all"]

    found = scores(np.arange(600))
    again = [scores(rng.integers(600, size=600)) for _ in range(200)]
    for name in found._fields:
        spread = np.std([getattr(one, name).value for one in again])
        assert getattr(found, name).standard_error == pytest.approx(spread, rel=0.2), (
            name
        )


def test_a_model_that_always_says_yes_is_found_out():
    metric = POPE()
    metric.update(["Yes"] * 10, ["yes", "no"] * 5)
    scores = metric.scores()["all"]
    assert (
        scores.yes_ratio.value == 1
        and scores.accuracy.value == scores.accuracy.chance == 0.5
    )
    assert scores.f1.value == 2 / 3 > scores.f1.chance == 0.5
    never = POPE()
    never.update(["No"] * 4, ["yes", "no"] * 2)
    assert (
        math.isnan(never.scores()["all"].precision.value)
        and never.scores()["all"].f1.value == 0
    )


def test_mme_against_a_naive_count(texts):
    rng = random.Random(5)
    tasks = {f"{i}.jpg": rng.choice(PERCEPTION + COGNITION) for i in range(COUNT // 2)}
    questions = [
        (image, rng.choice(["Yes", "No"])) for image in tasks for _ in range(2)
    ]
    order = rng.sample(range(COUNT), COUNT)
    metric = MME(tasks)
    for start in range(0, COUNT, 6000):
        part = order[start : start + 6000]
        metric.update(
            [texts[i] for i in part],
            [questions[i][1] for i in part],
            [questions[i][0] for i in part],
        )
    scores, sums = metric.scores(), {"perception": 0.0, "cognition": 0.0}
    for task in PERCEPTION + COGNITION:
        right = [
            naive.mme(texts[i]) == questions[i][1].lower()
            for i in range(COUNT)
            if tasks[questions[i][0]] == task
        ]
        both = [a and b for a, b in zip(right[::2], right[1::2], strict=True)]
        points = 100 * sum(right) / len(right) + 100 * sum(both) / len(both)
        assert scores[task].points.value == pytest.approx(points, abs=1e-9)
        assert scores[task].accuracy_plus.count == len(both)
        sums["perception" if task in PERCEPTION else "cognition"] += points
    for name, points in sums.items():
        assert scores[name].points.value == pytest.approx(points, abs=1e-9)
    assert (
        scores["perception"].points.chance == 750
        and scores["cognition"].points.chance == 300
    )


@pytest.mark.parametrize(
    "text, says",
    [
        ("Yes", "yes"),
        ("know", "no"),
        ("None", "no"),
        ("It is no", "other"),
        ("yes or no", "yes"),
        ("", "other"),
    ],
)
def test_mmes_rule(text, says):
    assert mme_answer(text) == says


def test_both_right_is_worth_more_than_twice_one_right():
    values = []
    for said in (["yes", "no"], ["yes", "yes"], ["no", "yes"]):
        metric = MME({"a": "count"})
        metric.update(said, ["Yes", "No"], ["a", "a"])
        values.append(metric.scores()["perception"].points.value)
    assert values == [200, 50, 0]


def test_mme_moves_when_an_image_is_swapped():
    preds, target = ["yes", "no", "yes", "yes"], ["yes", "no", "no", "no"]

    def points(images):
        metric = MME({"a": "count", "b": "count"})
        metric.update(preds, target, images)
        return metric.scores()["count"].points.value

    assert points(["a", "a", "b", "b"]) == 100 and points(["a", "b", "a", "b"]) == 50


def test_bad_input_gets_a_sentence():
    for metric in (POPE(), MME({"all": "count"})):
        with pytest.raises(ValueError, match="label 'maybe' is neither yes nor no"):
            metric.update(["yes"], ["maybe"], ["all"])
    with pytest.raises(ValueError, match=r"\['colour'\] are no sub-tasks of MME"):
        MME({"a": "colour"})
    metric.update(["yes"], ["yes"], ["all"])
    with pytest.raises(ValueError, match="image 'all' was asked 1 times; MME asks 2"):
        metric.scores()
