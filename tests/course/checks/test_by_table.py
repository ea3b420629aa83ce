"""Checks that are tables of numbers: the tables, mistakes, and other right ways."""

import json
import runpy
from types import SimpleNamespace

import pytest

from tests.course.checks import answers_a2, answers_a4, other_a1
from tests.course.checks.conftest import ASSIGNMENTS, MASTERS, solved
from vlmcore.course import checks
from vlmcore.course.checks import check
from vlmcore.course.checks.conclusions import CONCLUSIONS
from vlmcore.course.wire import pack

OTHER = {"a1": other_a1.OTHER, "a2": answers_a2.OTHER, "a4": answers_a4.OTHER}
MADE = {"a2": answers_a2.MADE, "a4": {q: answers_a4.OTHER[q] for q in answers_a4.MADE}}
HIDDEN = {
    name: runpy.run_path(str(ASSIGNMENTS / "hidden" / f"test_{MASTERS[name].stem}.py"))
    for name in OTHER
}
QUESTIONS = [(name, q) for name in OTHER for q in HIDDEN[name]["NAMES"]]
MISTAKES = [
    (n, q, wrong) for n, q in QUESTIONS for wrong in HIDDEN[n]["MISTAKES"].get(q, ())
]
WAYS = [
    (name, q, way)
    for name, q in QUESTIONS
    for way in {**OTHER[name][q], **MADE.get(name, {}).get(q, {})}
]


@pytest.mark.parametrize("name", OTHER)
def test_the_table_is_made_of_the_reference(name):
    folder = ASSIGNMENTS.parents[1] / "vlmcore" / "course" / "checks" / name
    stored = json.loads((folder / "table.json").read_text())
    assert stored == json.loads(pack(HIDDEN[name]["tables"]()))


@pytest.fixture(scope="module")
def masters():
    return {name: solved(name) for name in OTHER}


@pytest.mark.parametrize(("name", "question"), QUESTIONS)
def test_the_master_is_right(name, question, masters, hidden):
    answer = masters[name][HIDDEN[name]["NAMES"][question]]
    feedback = check(f"{name}.{question}", answer)
    assert feedback.right and feedback.conclusion == CONCLUSIONS.get(
        f"{name}.{question}", ""
    )
    (grade,) = hidden(name, masters[name], question)
    assert grade.points == grade.out_of, grade.message


@pytest.mark.parametrize(("name", "question", "wrong"), MISTAKES)
def test_a_mistake_gets_its_sentence_and_loses_points(
    name, question, wrong, masters, hidden
):
    of = HIDDEN[name]

    def mistaken(*arguments):
        return of["REFERENCE"][question](*arguments, wrong=wrong)

    feedback = check(f"{name}.{question}", mistaken)
    assert not feedback.right
    assert feedback.message == of["MISTAKES"][question][wrong]
    names = masters[name] | {of["NAMES"][question]: mistaken}
    (grade,) = hidden(name, names, f"{question} and not public")
    assert grade.points < grade.out_of, "the hidden tests alone would let it pass"


@pytest.mark.parametrize(
    ("question", "phrase"),
    [(q, phrase) for q, wrong in answers_a4.WRONG.items() for phrase in wrong],
)
def test_a_mistake_of_a4_is_recognised_by_what_it_does(
    question, phrase, masters, hidden
):
    name = HIDDEN["a4"]["NAMES"][question]
    wrong = answers_a4.WRONG[question][phrase](SimpleNamespace(**masters["a4"]))
    feedback = check(f"a4.{question}", wrong)
    assert not feedback.right and phrase in feedback.message
    (grade,) = hidden("a4", masters["a4"] | {name: wrong}, f"{question} and not public")
    assert grade.points < grade.out_of, "the hidden tests alone would let it pass"


@pytest.mark.parametrize("phrase", answers_a2.WRONG)
def test_a_wrong_training_is_recognised(phrase, masters, hidden):
    wrong = answers_a2.WRONG[phrase](SimpleNamespace(**masters["a2"]))
    feedback = check("a2.q5", wrong)
    assert not feedback.right and phrase in feedback.message
    (grade,) = hidden("a2", masters["a2"] | {"train": wrong}, "q5 and not public")
    assert grade.points < grade.out_of


@pytest.mark.parametrize(("name", "question", "way"), WAYS)
def test_another_way_to_a_right_answer_has_all_points(
    name, question, way, masters, hidden
):
    make = MADE.get(name, {}).get(question, {}).get(way)
    right = SimpleNamespace(**masters[name])
    other = make(right) if make else OTHER[name][question][way]
    answer = {HIDDEN[name]["NAMES"][question]: other}
    (grade,) = hidden(name, masters[name] | answer, question, "bob")
    assert (grade.message, grade.points) == ("right.", grade.out_of)


def test_a_table_that_is_not_there_is_a_question_that_is_not_asked():
    tables = {q.split(".")[0] for q, m in checks.CHECKS.items() if m == checks.TABLE}
    assert tables == set(OTHER)
