"""A3: right answers pass, and each typical mistake gets its sentence."""

import pytest

from tests.course.checks.wrong_answers import WRONG
from vlmcore import paper
from vlmcore.course.checks import CHECKS, check
from vlmcore.course.checks.a3.points import BENCHMARKS, best, published_points
from vlmcore.scaling import profile

ANSWERS = {
    "q1": "frontier",
    "q2": "fit_product",
    "q3": "optimal_tokens",
    "q4": "profile",
    "q5": "ratio_interval",
    "q6": "doubtful_ratios",
}


@pytest.mark.parametrize("question", ANSWERS)
def test_the_masters_answers_are_right(right, question):
    feedback = check(f"a3.{question}", vars(right)[ANSWERS[question]])
    assert feedback.right and repr(feedback) == f"✓ a3.{question}: right."


@pytest.mark.parametrize(
    ("question", "phrase"),
    [(q, phrase) for q, wrong in WRONG.items() for phrase in wrong],
)
def test_a_wrong_answer_gets_the_sentence_of_its_mistake(right, question, phrase):
    feedback = check(f"a3.{question}", WRONG[question][phrase](right))
    assert not feedback.right
    assert phrase in feedback.message


def test_what_was_not_written_yet_says_so():
    def unwritten(*arguments):
        raise NotImplementedError()

    for question in CHECKS:
        with pytest.raises(NotImplementedError):
            check(question, unwritten)


def test_what_cannot_be_checked():
    with pytest.raises(ValueError, match=r"no question 'a3.q9'; choose from a3.q1"):
        check("a3.q9", len)
    with pytest.raises(TypeError, match="without calling it"):
        check("a3.q1", [0, 1])
    assert (
        "something else than what is asked for"
        in check("a3.q5", lambda *points: None).message
    )


@pytest.mark.parametrize("task", BENCHMARKS)
def test_the_masters_numbers_are_those_of_the_library(right, task):
    """Parity of the master's few lines of scipy and vlmcore.scaling."""
    points, theirs = published_points(task), best(published_points(task))
    assert right.fit_product(*points) == pytest.approx(
        theirs.law.parameters, rel=1e-5, abs=1e-9
    )
    interval = profile(theirs, "ratio", 0.95)
    assert right.ratio_interval(*points) == pytest.approx(
        [interval.low, interval.high], rel=1e-3
    )


def test_the_masters_numbers_are_the_known_ones(right):
    """Snapshot: what the published points are known to give."""
    points = published_points("visual")
    law = right.fit_product(*points)
    assert law == pytest.approx((0.5908, 0.0709, 0.0151, 0), abs=6e-5)
    assert right.profile(*points, [0.0])[0, 2] == pytest.approx(3.794e-4, rel=1e-4)
    assert right.optimal_tokens(0.077, 0.015, 50) == pytest.approx(12.1, abs=0.05)
    assert right.optimal_tokens(*law[1:3], 50) == pytest.approx(13.5, abs=0.05)
    low, high = right.doubtful_ratios(
        paper.scores("ocr"), paper.doubtful_points(), "ocr"
    )
    assert 0.69 < low < 0.7163 < high < 0.77
