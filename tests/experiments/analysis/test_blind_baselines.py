"""The rungs of a ladder, on answers of which the scores are known."""

import numpy as np
import pytest

from vlmcore.data.samples import Sample
from vlmcore.evaluation.short_answers import (
    permute_images,
    question_only,
    score_answers,
)
from vlmcore.experiments.analysis.blind_baselines import (
    BASELINES,
    baseline,
    ladder,
    one_answer,
    opposites,
    priors,
)


def ask(question, answers, first=0):
    return [
        Sample(first + i, question, answer, "yes/no", 2)
        for i, answer in enumerate(answers)
    ]


def scores(value, error=0.01, kinds=("all",)):
    return {
        kind: {
            "value": value,
            "count": 100,
            "parseable": 1.0,
            "chance": 0.25,
            "standard_error": error,
        }
        for kind in kinds
    }


def test_one_answer_is_the_favourite_of_training_whatever_is_asked():
    train = ask("a?", ["yes", "no", "no"]) + ask("b?", ["yes", "yes"])
    assert one_answer(train, ask("c?", ["no"] * 2)) == ["yes", "yes"]
    with pytest.raises(ValueError, match="no sample was given"):
        one_answer([], train)


def test_priors_are_the_scores_of_the_best_guess_and_of_a_perfect_eye_on_another_image():
    """A question with p = 3/4: max p = .75, sum of p² = .625; one with p = 1/2: both are .5."""
    leaky, even = (
        ask("a?", ["no", "no", "no", "yes"] * 250),
        ask("b?", ["yes", "no"] * 500, first=1000),
    )
    found = priors(leaky + even)
    assert found["best"][:1000].mean() == pytest.approx(0.75) and found["misled"][
        :1000
    ].mean() == pytest.approx(0.625)
    assert found["best"][1000:].mean() == found["misled"][1000:].mean() == 0.5
    assert (found.groupby("kind").mean().diff(axis=1)["misled"] <= 0).all(), (
        "sum of p² is never above max p"
    )
    shown = {sample.image: sample.answer for sample in leaky}
    seen = [shown[sample.image] for sample in permute_images(leaky)]
    assert score_answers(seen, leaky)["all"].value == pytest.approx(0.625, abs=0.05)
    assert score_answers(question_only(leaky, leaky), leaky)["all"].value == 0.75


def test_who_does_not_look_is_right_once_in_every_pair_of_opposites():
    samples = (
        ask("a?", ["no", "no", "no", "yes"])
        + ask("b?", ["yes"] * 3, 4)
        + ask("c?", ["red", "blue", "red", "green", "blue"], 7)
    )
    pairs = opposites(samples)
    assert len(pairs) == 1 + 2 and len(set(pairs.ravel())) == 6
    for one, other in pairs:
        assert (
            samples[one].question == samples[other].question
            and samples[one].answer != samples[other].answer
        )
    said = question_only(samples, samples)
    right = np.array(
        [guess == sample.answer for guess, sample in zip(said, samples, strict=True)]
    )[pairs]
    assert (right.sum(1) == 1).all()
    assert opposites(ask("b?", ["yes"])).shape == (0, 2)


def test_a_rung_covers_seeds_from_three_on():
    one, two = baseline("x", [scores(0.6)]), baseline("x", [scores(0.5), scores(0.7)])
    assert one.low[0] == pytest.approx(0.6 - 1.96 * 0.01, abs=1e-4) and two.value[
        0
    ] == pytest.approx(0.6)
    assert two.high[0] - two.low[0] == pytest.approx(one.high[0] - one.low[0]), (
        "of two seeds a t-interval says nothing"
    )
    three = baseline("x", [scores(0.5, 0), scores(0.6, 0), scores(0.7, 0)])
    assert (
        three.high[0] - 0.6 == pytest.approx(4.3027 * 0.1 / 3**0.5, rel=1e-4)
        and three.runs[0] == 3
    )
    assert baseline("x", [scores(0.999, 0.1)]).high[0] == 1.0
    with pytest.raises(ValueError, match="2 runs give no mean of 'x'"):
        baseline("x", [scores(0.5), scores(0.5, kinds=("fact",))])
    with pytest.raises(ValueError, match="0 runs"):
        baseline("x", [])


def test_a_ladder_has_the_rungs_there_are():
    run = {"scores": {"test": scores(0.9), "shuffled": scores(0.3)}}
    blind = {"scores": {"test": scores(0.4), "shuffled": scores(0.4)}}
    full = ladder(scores(0.35), [run], [blind], scores(0.2))
    assert tuple(full["baseline"]) == BASELINES and full["value"].tolist() == [
        0.25,
        0.2,
        0.35,
        0.4,
        0.3,
        0.9,
    ]
    assert full["low"].isna().tolist() == [True] + 5 * [False]
    assert ladder(scores(0.35))["baseline"].tolist() == ["chance", "question only"]
