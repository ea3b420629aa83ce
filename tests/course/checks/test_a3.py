"""A3: right answers pass, and each typical mistake gets its sentence."""

import pytest

from tests.course.checks.conftest import hidden_module
from tests.course.checks.other_answers import OTHER
from tests.course.checks.wrong_answers import WRONG
from vlmcore import paper
from vlmcore.course.checks import CHECKS, check
from vlmcore.course.checks.a3.points import BENCHMARKS, published_points
from vlmcore.scaling import Product, fit_law, frontier, profile, profile_path

ANSWERS = {
    "q1": "frontier",
    "q2": "fit_product",
    "q3": "optimal_tokens",
    "q4": "profile",
    "q5": "ratio_interval",
    "q6": "doubtful_ratios",
    "q7": "decide",
}


@pytest.mark.parametrize("question", ANSWERS)
def test_the_masters_answers_are_right(a3, question):
    feedback = check(f"a3.{question}", vars(a3)[ANSWERS[question]])
    assert feedback.right and f"{feedback}".startswith(f"✓ a3.{question}: right.")


@pytest.mark.parametrize(
    ("question", "phrase"),
    [(q, phrase) for q, wrong in WRONG.items() for phrase in wrong],
)
def test_a_wrong_answer_gets_its_sentence_and_loses_points(
    a3, question, phrase, hidden
):
    wrong = WRONG[question][phrase](a3)
    feedback = check(f"a3.{question}", wrong)
    assert not feedback.right and not feedback.conclusion
    assert phrase in feedback.message
    names = vars(a3) | {ANSWERS[question]: wrong}
    (grade,) = hidden("a3", names, f"{question} and not public")
    assert grade.points < grade.out_of, "the hidden tests alone would let it pass"


@pytest.mark.parametrize(
    ("question", "name"),
    [(q, name) for q, others in OTHER.items() for name in others],
)
def test_another_way_to_a_right_answer_has_all_points(a3, question, name, hidden):
    names = vars(a3) | {ANSWERS[question]: OTHER[question][name]}
    (grade,) = hidden("a3", names, question, "bob")
    assert (grade.message, grade.points) == ("right.", grade.out_of)


def test_every_question_has_mistakes_and_methods():
    """Three of each at least; the tests above try them all."""
    assert WRONG.keys() == OTHER.keys() == ANSWERS.keys()
    assert min(len(some) for some in (*WRONG.values(), *OTHER.values())) >= 3


def test_what_was_not_written_yet_says_so():
    def unwritten(*arguments):
        raise NotImplementedError()

    for question in CHECKS.keys() - {"a4.q2_next"}:  # which may stay unwritten
        with pytest.raises(NotImplementedError):
            check(question, unwritten)


def test_what_cannot_be_checked():
    with pytest.raises(ValueError, match=r"no question 'a3.q9'; choose from a1.q1"):
        check("a3.q9", len)
    with pytest.raises(TypeError, match="without calling it"):
        check("a3.q1", [0, 1])
    assert (
        "something else than what is asked for"
        in check("a3.q5", lambda *points: None).message
    )


def library_law(n, v, error):
    return fit_law(Product, 1e9 * n, v, error, allow_bound=True)


def library_profile(n, v, error, floors):
    path = profile_path(library_law(n, v, error), "D", floors)
    return path[["alpha", "beta", "objective"]].to_numpy()


def library_interval(n, v, error, level=0.95):
    interval = profile(library_law(n, v, error), "ratio", level)
    return interval.low, interval.high


def library_decision(n, v, error, q):
    low, high = library_interval(n, v, error)
    tokens = library_law(n, v, error).law.optimal_tokens(q)
    word = "few" if low > 1 else "all" if high < 1 else "cannot tell"
    return word, None if word == "cannot tell" else tokens, low, high


PASTED = {
    "q1": lambda n, v, error, q: frontier(2 * n * (q + v), error),
    "q2": lambda *points: library_law(*points).law.parameters,
    "q3": lambda alpha, beta, q, largest=576: Product(1, alpha, beta, 0).optimal_tokens(
        q, max_visual_tokens=largest
    ),
    "q4": library_profile,
    "q5": library_interval,
    "q7": library_decision,
}
"""The package's own functions, as a copy of their source would compute."""


@pytest.mark.parametrize("question", PASTED)
def test_the_library_s_own_functions_lose_points(a3, question, hidden):
    feedback = check(f"a3.{question}", PASTED[question])
    assert not feedback.right
    names = vars(a3) | {ANSWERS[question]: PASTED[question]}
    (grade,) = hidden("a3", names, f"{question} and not public")
    assert grade.points < grade.out_of, "the hidden tests alone would let it pass"


@pytest.mark.parametrize("task", BENCHMARKS)
def test_the_masters_numbers_are_those_of_the_library(a3, task):
    """Parity of the master's few lines of scipy and vlmcore.scaling."""
    points, theirs = (
        published_points(task),
        hidden_module("a3").best(published_points(task)),
    )
    assert a3.fit_product(*points) == pytest.approx(
        theirs.law.parameters, rel=1e-5, abs=1e-9
    )
    interval = profile(theirs, "ratio", 0.95)
    assert a3.ratio_interval(*points) == pytest.approx(
        [interval.low, interval.high], rel=1e-3
    )


def test_the_masters_numbers_are_the_known_ones(a3):
    """Snapshot: what the published points are known to give."""
    points = published_points("visual")
    law = a3.fit_product(*points)
    assert law == pytest.approx((0.5955, 0.0709, 0.0167, 0), abs=6e-5)
    assert a3.profile(*points, [0.0])[0, 2] == pytest.approx(4.0317e-4, rel=1e-4)
    assert a3.optimal_tokens(0.077, 0.015, 50) == pytest.approx(11.1, abs=0.05)
    assert a3.optimal_tokens(*law[1:3], 50) == pytest.approx(14.4, abs=0.05)
    low, high = a3.doubtful_ratios(paper.scores("ocr"), paper.doubtful_points(), "ocr")
    assert 0.626 < low < 0.6351 < high < 0.658
