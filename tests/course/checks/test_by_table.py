"""Checks that are tables of numbers: the tables, mistakes, and other right ways."""

import json
import runpy
from types import SimpleNamespace

import pytest

from tests.course.checks import answers_a2, answers_a4, other_a1
from tests.course.checks.conftest import ASSIGNMENTS, MASTERS, solved
from vlmcore import cost
from vlmcore.config import LanguageConfig
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


def as_language_config(c):
    """The package's config of a model of A1, without what it does not know."""
    return LanguageConfig(
        vocab_size=c["vocab"],
        width=c["width"],
        depth=c["layers"],
        heads=c["heads"],
        kv_heads=c["kv_heads"],
        head_width=c["head_dim"],
        mlp_width=c["mlp"],
        tied=c["tied"],
    )


def library_parameters(c):
    n, table = cost.language_parameters(as_language_config(c)), c["vocab"] * c["width"]
    head = 0 if c["tied"] else table
    return {"embedding": table, "block": n, "head": head, "total": table + n + head}


def library_flops(c, new, past):
    config = as_language_config(c)
    both = cost.language_flops(config, new, past)
    head = c["heads"] * c["head_dim"]
    attention = 4 * new * (new + past) * head * c["layers"]
    linear = both - attention
    return {
        "linear": linear,
        "attention": attention,
        "head": cost.head_flops(config),
    }


def library_memory(c, tokens, batch, memory, size):
    one = cost.kv_cache_bytes(as_language_config(c), tokens, size)
    left = memory - size * library_parameters(c)["total"]
    return {"cache": batch * one, "largest_batch": max(0, left // one)}


@pytest.mark.parametrize(
    ("question", "answer"),
    [("q1", library_parameters), ("q2", library_flops), ("q3", library_memory)],
)
def test_the_library_s_own_functions_lose_points(question, answer, masters, hidden):
    assert not check(f"a1.{question}", answer).right
    names = masters["a1"] | {HIDDEN["a1"]["NAMES"][question]: answer}
    (grade,) = hidden("a1", names, question)
    assert grade.points == 0
