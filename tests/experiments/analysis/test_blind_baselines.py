"""Baselines without the image, on answers of which the scores are known."""

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
    all_baselines,
    one_answer,
    opposites,
    priors,
    scores_by_kind,
)


def ask(question, answers, first=0):
    return [
        Sample(first + i, question, answer, "yes/no", 2)
        for i, answer in enumerate(answers)
    ]


def scores(value, error=0.01, kinds=("all",)):
    score = {"value": value, "count": 100, "parseable": 1.0}
    return {kind: score | {"chance": 0.25, "standard_error": error} for kind in kinds}


def test_one_answer_is_the_favourite_of_training_for_every_question():
    train = ask("a?", ["yes", "no", "no"]) + ask("b?", ["yes", "yes"])
    assert one_answer(train, ask("c?", ["no"] * 2)) == ["yes", "yes"]
    with pytest.raises(ValueError, match="no sample was given"):
        one_answer([], train)


def test_priors_are_scores_of_the_best_guess_and_of_oracle_perception_if_shuffled():
    """With p = 3/4, max p = .75 and sum of p² = .625; with p = 1/2 both are .5."""
    leaky = ask("a?", ["no", "no", "no", "yes"] * 250)
    even = ask("b?", ["yes", "no"] * 500, first=1000)
    means = [priors(leaky + even)[part].mean(numeric_only=True) for part in HALVES]
    assert means[0].to_dict() == pytest.approx({"best": 0.75, "misled": 0.625})
    assert means[1].to_dict() == {"best": 0.5, "misled": 0.5}
    shown = {sample.image: sample.answer for sample in leaky}
    seen = [shown[sample.image] for sample in permute_images(leaky)]
    assert score_answers(seen, leaky)["all"].value == pytest.approx(0.625, abs=0.05)
    assert score_answers(question_only(leaky, leaky), leaky)["all"].value == 0.75


HALVES = slice(0, 1000), slice(1000, None)


def test_a_guess_without_the_image_is_right_once_in_every_pair_of_opposites():
    samples = (
        ask("a?", ["no", "no", "no", "yes"])
        + ask("b?", ["yes"] * 3, 4)
        + ask("c?", ["red", "blue", "red", "green", "blue"], 7)
    )
    pairs = opposites(samples)
    assert len(pairs) == 1 + 2 and len(set(pairs.ravel())) == 6
    for one, other in pairs:
        assert samples[one].question == samples[other].question
        assert samples[one].answer != samples[other].answer
    said = question_only(samples, samples)
    right = np.equal(said, [sample.answer for sample in samples])
    assert (right[pairs].sum(1) == 1).all()
    assert opposites(ask("b?", ["yes"])).shape == (0, 2)


def test_an_interval_covers_seeds_from_three_on():
    one, two, three = (
        scores_by_kind("x", [scores(value, error) for value in values])
        for values, error in [((0.6,), 0.01), ((0.5, 0.7), 0.01), ((0.5, 0.6, 0.7), 0)]
    )
    assert one.low[0] == pytest.approx(0.6 - 1.96 * 0.01, abs=1e-4)
    assert two.value[0] == pytest.approx(0.6)
    assert two.high[0] - two.low[0] == pytest.approx(one.high[0] - one.low[0])
    assert three.high[0] - 0.6 == pytest.approx(4.3027 * 0.1 / 3**0.5, rel=1e-4)
    assert three.runs[0] == 3
    assert scores_by_kind("x", [scores(0.999, 0.1)]).high[0] == 1.0
    for runs in ([], [scores(0.5), scores(0.5, kinds=("fact",))]):
        with pytest.raises(ValueError, match=f"{len(runs)} runs give no mean of 'x'"):
            scores_by_kind("x", runs)


def test_the_table_has_the_baselines_that_are_available():
    run = {"scores": {"test": scores(0.9), "shuffled": scores(0.3)}}
    blind = {"scores": {"test": scores(0.4), "shuffled": scores(0.4)}}
    full = all_baselines(scores(0.35), [run], [blind], scores(0.2))
    assert tuple(full["baseline"]) == BASELINES
    assert full["value"].tolist() == [0.25, 0.2, 0.35, 0.4, 0.3, 0.9]
    assert full["low"].isna().tolist() == [True] + 5 * [False]
    few = all_baselines(scores(0.35))
    assert few["baseline"].tolist() == ["chance", "question only"]
