import math
import random

import numpy as np
import pytest

from tests.evaluation import messy, naive
from vlmcore.data.benchmarks.yes_no import SUMS
from vlmcore.evaluation.metrics import MME, POPE, mme_answer, pope_answer
from vlmcore.evaluation.pope import _scores_of

COUNT = 20_000
PERCEPTION, COGNITION = SUMS.values()
SPLITS = ["random", "popular", "adversarial"]


@pytest.fixture(scope="module")
def texts():
    rng = random.Random(2)
    plain = ["Yes", "No", "yes", "no", "Yes.", "No.", "NO", "no\n", ""]
    plain += ["Yes, there is.", "No, there is not.", "There is no dog"]
    return [
        rng.choice(plain) if rng.random() < 0.6 else text
        for text in messy.vocabulary(COUNT, 3)
    ]


def test_pope_against_a_naive_count(texts):
    rng = random.Random(4)
    labels, splits = rng.choices(["yes", "no"], k=COUNT), rng.choices(SPLITS, k=COUNT)
    metric = POPE(SPLITS)
    naive.update_in_parts(metric, texts, labels, splits)
    scores, means = metric.scores(), []
    for split in SPLITS:
        pairs = [
            (naive.pope(text), label)
            for text, label, of in zip(texts, labels, splits, strict=True)
            if of == split
        ]
        precision, recall, f1, accuracy, yes = naive.f1(pairs)
        values = [score.value for score in scores[split]]
        assert values == pytest.approx(
            [accuracy, precision, recall, f1, yes], abs=1e-12
        )
        assert scores[split].f1.count == len(pairs)
        means.append(f1)
    assert scores["mean"].f1.value == pytest.approx(sum(means) / 3, abs=1e-12)
    assert scores["mean"].f1.count == COUNT


@pytest.mark.parametrize(
    "text, answer",
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
def test_popes_rule(text, answer):
    assert pope_answer(text) == answer


def pope(preds, target):
    metric = POPE()
    metric.update(preds, target)
    return metric.scores()["all"]


def test_an_answer_without_yes_or_no_counts_as_yes_but_is_not_parseable():
    scores = pope(["", "Yes", "no", "a dog"], ["yes", "yes", "no", "no"])
    assert scores.accuracy[:3] == (0.75, 4, 0.5) and scores.yes_ratio.value == 0.75


def test_the_errors_of_pope_are_those_of_drawing_the_questions_again():
    rng = np.random.default_rng(0)
    there = rng.random(600) < 0.5
    yes = there ^ (rng.random(600) < 0.3)

    def scores(rows):
        kinds = np.bincount(2 * ~yes[rows] + ~there[rows], minlength=4)
        return _scores_of([*kinds, 0])

    found = scores(np.arange(600))
    again = [scores(rng.integers(600, size=600)) for _ in range(4000)]
    for score, values in zip(found, zip(*again, strict=True), strict=True):
        spread = np.std([value.value for value in values])
        assert score.standard_error == pytest.approx(spread, rel=0.05)


def test_a_bias_towards_yes_or_no_shows():
    scores = pope(["Yes"] * 10, ["yes", "no"] * 5)
    assert scores.yes_ratio.value == 1
    assert scores.accuracy.value == scores.accuracy.chance == 0.5
    assert scores.f1.value == 2 / 3 > scores.f1.chance == 0.5
    never = pope(["No"] * 4, ["yes", "no"] * 2)
    assert math.isnan(never.precision.value) and never.f1.value == 0


def test_mme_against_a_naive_count(texts):
    rng = random.Random(5)
    tasks = {f"{i}.jpg": rng.choice(PERCEPTION + COGNITION) for i in range(COUNT // 2)}
    questions = [
        (image, rng.choice(["Yes", "No"])) for image in tasks for _ in range(2)
    ]
    order = rng.sample(range(COUNT), COUNT)
    metric = MME(tasks)
    columns = [(texts[i], questions[i][1], questions[i][0]) for i in order]
    naive.update_in_parts(metric, *zip(*columns, strict=True))
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
    "text, answer",
    [
        ("Yes", "yes"),
        ("know", "no"),
        ("None", "no"),
        ("It is no", "other"),
        ("yes or no", "yes"),
        ("", "other"),
    ],
)
def test_mmes_rule(text, answer):
    assert mme_answer(text) == answer


def test_both_right_is_worth_more_than_twice_one_right():
    values = []
    for preds in (["yes", "no"], ["yes", "yes"], ["no", "yes"]):
        metric = MME({"a": "count"})
        metric.update(preds, ["Yes", "No"], ["a", "a"])
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
