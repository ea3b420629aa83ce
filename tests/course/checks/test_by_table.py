"""Checks that are tables of numbers: the tables, mistakes, and other right ways."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.course.checks import answers_a2, answers_a4, other_a1, wrong_a4
from tests.course.checks.conftest import ASSIGNMENTS, MASTERS, hidden_module, solved
from tests.course.checks.designs_a4 import NEXT, WRONG_NEXT
from vlmcore import cost
from vlmcore.config import LanguageConfig, QueCCConfig, VisionConfig
from vlmcore.course import checks
from vlmcore.course.checks import check
from vlmcore.course.checks.conclusions import CONCLUSIONS
from vlmcore.course.checks.tables import agree
from vlmcore.course.wire import pack
from vlmcore.models.compressors.quecc import QueCC

OTHER = {"a1": other_a1.OTHER, "a2": answers_a2.OTHER, "a4": answers_a4.OTHER}
MADE = {"a2": answers_a2.MADE, "a4": {q: answers_a4.OTHER[q] for q in answers_a4.MADE}}
HIDDEN = {name: vars(hidden_module(name)) for name in OTHER}
NEXT_CELL = "next_cell", "q2"
QUESTIONS = [(name, q) for name in OTHER for q in HIDDEN[name]["NAMES"]]
MISTAKES = [
    (n, q, wrong) for n, q in QUESTIONS for wrong in HIDDEN[n]["MISTAKES"].get(q, ())
]
WAYS = [
    (name, q, way)
    for name, q in QUESTIONS
    for way in {**OTHER[name][q], **MADE.get(name, {}).get(q, {})}
]


@pytest.mark.parametrize("name", MASTERS)
def test_the_table_is_made_of_the_reference(name):
    folder = ASSIGNMENTS.parents[1] / "vlmcore" / "course" / "checks" / name
    stored = json.loads((folder / "table.json").read_text())
    made = json.loads(pack(hidden_module(name).tables()))
    # fits may differ in their last digits on another machine
    assert agree(stored, made, 1e-5) and agree(made, stored, 1e-5)


@pytest.fixture(scope="module")
def masters():
    return {name: solved(name) for name in OTHER}


def names_for(question, masters, name):
    """The master's names, of which `next_cell` would be asked in place of `design`."""
    return {n: a for n, a in masters[name].items() if (n, question) != NEXT_CELL}


@pytest.mark.parametrize(("name", "question"), QUESTIONS)
def test_the_master_is_right(name, question, masters, hidden):
    answer = masters[name][HIDDEN[name]["NAMES"][question]]
    feedback = check(f"{name}.{question}", answer)
    assert feedback.right and feedback.conclusion == CONCLUSIONS.get(
        f"{name}.{question}", ""
    )
    student = masters[name]["STUDENT"]
    (grade,) = hidden(name, names_for(question, masters, name), question, student)
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
    names = names_for(question, masters, name) | {of["NAMES"][question]: mistaken}
    (grade,) = hidden(name, names, f"{question} and not public")
    assert grade.points < grade.out_of, "the hidden tests alone would let it pass"


@pytest.mark.parametrize(
    ("question", "phrase"),
    [(q, phrase) for q, wrong in wrong_a4.WRONG.items() for phrase in wrong],
)
def test_a_mistake_of_a4_is_recognised_by_what_it_does(
    question, phrase, masters, hidden
):
    name = HIDDEN["a4"]["NAMES"][question]
    wrong = wrong_a4.WRONG[question][phrase](SimpleNamespace(**masters["a4"]))
    feedback = check(f"a4.{question}", wrong)
    assert not feedback.right and phrase in feedback.message
    names = names_for(question, masters, "a4") | {name: wrong}
    (grade,) = hidden("a4", names, f"{question} and not public")
    assert grade.points < grade.out_of, "the hidden tests alone would let it pass"


@pytest.mark.parametrize("phrase", WRONG_NEXT)
def test_a_mistake_in_buying_one_by_one(phrase, masters, hidden):
    wrong = WRONG_NEXT[phrase](SimpleNamespace(**masters["a4"]))
    feedback = check("a4.q2_next", wrong)
    assert not feedback.right and phrase in feedback.message
    names = masters["a4"] | {"next_cell": wrong}
    (grade,) = hidden("a4", names, "q2 and not public")
    assert grade.points < grade.out_of, "the hidden tests alone would let it pass"


@pytest.mark.parametrize("way", ["master", *NEXT])
def test_runs_bought_one_by_one_have_all_points(way, masters, hidden):
    right = SimpleNamespace(**masters["a4"])
    answer = right.next_cell if way == "master" else NEXT[way](right)
    assert check("a4.q2_next", answer).right
    names = masters["a4"] | {"next_cell": answer, "design": None}
    (grade,) = hidden("a4", names, "q2", "bob")
    assert (grade.message, grade.points) == ("right.", grade.out_of)


def test_what_is_not_bought_one_by_one_costs_nothing(masters, hidden):
    def unwritten(*arguments):
        raise NotImplementedError()

    assert "costs nothing" in check("a4.q2_next", unwritten).message
    (grade,) = hidden("a4", masters["a4"] | {"next_cell": unwritten}, "q2")
    assert grade.points == grade.out_of


def test_a_ledger_is_of_its_own_student(masters, hidden):
    ledger = masters["a4"] | {"ledger": answers_a4.OTHER["q6"]["some"]}
    assert check("a4.q6", ledger["ledger"]).right
    (grade,) = hidden("a4", ledger, "q6", "ada")
    assert grade.message == "this is the ledger of bob, and you are ada."


@pytest.mark.parametrize("phrase", answers_a2.WRONG)
def test_a_wrong_training_is_recognised(phrase, masters, hidden):
    wrong = answers_a2.WRONG[phrase](SimpleNamespace(**masters["a2"]))
    feedback = check("a2.q6", wrong)
    assert not feedback.right and phrase in feedback.message
    (grade,) = hidden("a2", masters["a2"] | {"train": wrong}, "q6 and not public")
    assert grade.points < grade.out_of


@pytest.mark.parametrize(("name", "question", "way"), WAYS)
def test_another_way_to_a_right_answer_has_all_points(
    name, question, way, masters, hidden
):
    make = MADE.get(name, {}).get(question, {}).get(way)
    right = SimpleNamespace(**masters[name])
    other = make(right) if make else OTHER[name][question][way]
    answer = {HIDDEN[name]["NAMES"][question]: other}
    names = names_for(question, masters, name) | answer
    (grade,) = hidden(name, names, question, "bob")
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


def library_quecc(d, e, k, heads, side, inject, nonlinear, learned):
    """The package's module, with the sizes and switches of A2's."""
    switches = {
        "inject_question": bool(inject),
        "nonlinear_query": bool(nonlinear),
        "learned_downsampling": bool(learned),
    }
    vision = VisionConfig(side, 1, width=d, depth=2, heads=1, layers=(1,))
    config = QueCCConfig(heads=heads, **switches)
    return QueCC(config, vision, e, (side // k) ** 2)


def library_outputs(weights, patches, question, k, heads, switches):
    e, d = np.shape(weights["out.weight"])
    side = round(np.shape(patches)[1] ** 0.5)
    module = library_quecc(d, e, k, heads, side, *switches.values())
    module.load_state_dict({n: torch.as_tensor(w) for n, w in weights.items()})
    return module


def library_count(d, e, k, inject, nonlinear, learned):
    module = library_quecc(d, e, k, 1, 2 * k, inject, nonlinear, learned)
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("question", "answer"), [("q3", library_outputs), ("q4", library_count)]
)
def test_the_library_s_own_module_loses_points(question, answer, masters, hidden):
    assert not check(f"a2.{question}", answer).right
    names = masters["a2"] | {HIDDEN["a2"]["NAMES"][question]: answer}
    (grade,) = hidden("a2", names, question)
    assert grade.points == 0


@pytest.mark.parametrize(("name", "question"), QUESTIONS)
def test_every_question_has_mistakes_and_methods(name, question):
    """Three of each at least; the tests above try them all."""
    recognised = {("a2", "q6"): answers_a2.WRONG}
    recognised |= {("a4", q): wrong for q, wrong in wrong_a4.WRONG.items()}
    mistakes = {*HIDDEN[name]["MISTAKES"].get(question, ())}
    mistakes |= {*recognised.get((name, question), ())}
    methods = [way for n, q, way in WAYS if (n, q) == (name, question)]
    assert len(mistakes) >= 3 and len(methods) >= 3
