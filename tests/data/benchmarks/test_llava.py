import json

import pytest

from vlmcore.data.benchmarks.llava import (
    Answer,
    append_answers,
    cut_unfinished_line,
    read_answers,
    read_questions,
    unanswered,
    write_questions,
)
from vlmcore.data.benchmarks.question import Question

QUESTIONS = [
    Question(i, f"question {i}?", None, (), "all", f"q, line {i}") for i in range(5)
]


def made_of(question):
    return {"n": question.id}


def answers(*numbers, model="m"):
    return [Answer(i, f"question {i}?", f"é{i}\n", model, {"n": i}) for i in numbers]


def test_answers_come_back_and_look_like_llavas(tmp_path):
    path = tmp_path / "answers.jsonl"
    append_answers(path, answers(0, 1))
    append_answers(path, answers(2))
    assert [answer._replace(where="") for answer in read_answers(path)] == answers(
        0, 1, 2
    )
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    fields = "question_id prompt text answer_id model_id metadata"
    assert " ".join(lines[0]) == fields
    assert len({line["answer_id"] for line in lines}) == 3


def test_questions_come_back(tmp_path):
    asked = [
        Question(1, "a?", tmp_path / "x" / "1.jpg", (), "random", ""),
        Question("b", "c?", None, (), "all", ""),
    ]
    write_questions(tmp_path / "q.jsonl", asked, tmp_path)
    assert [
        q._replace(where="") for q in read_questions(tmp_path / "q.jsonl", tmp_path)
    ] == asked
    assert (
        json.loads((tmp_path / "q.jsonl").read_text().splitlines()[0])["image"]
        == "x/1.jpg"
    )


LONG = '{"question_id": 2, "text": "' + "x" * 200_000


@pytest.mark.parametrize("torn", ["", '{"que', '{"question_id": 2, "te', LONG])
def test_a_torn_line_is_cut_off_and_whole_lines_are_kept(tmp_path, torn):
    path = tmp_path / "answers.jsonl"
    append_answers(path, answers(0, 1))
    whole = path.read_bytes()
    path.write_bytes(whole + torn.encode())
    cut_unfinished_line(path)
    assert path.read_bytes() == whole
    path.write_text(torn)
    cut_unfinished_line(path)
    assert path.read_bytes() == b""
    path.write_bytes(whole[:-1])
    cut_unfinished_line(path)
    assert path.read_bytes() == whole, "only the end of the line was missing"


def test_only_what_is_not_answered_is_left(tmp_path):
    path = tmp_path / "answers.jsonl"
    assert list(unanswered(QUESTIONS, path, "m", made_of)) == QUESTIONS
    append_answers(path, answers(0, 1, 2))
    assert list(unanswered(QUESTIONS, path, "m", made_of)) == QUESTIONS[3:]
    append_answers(path, answers(3, 4))
    assert list(unanswered(QUESTIONS, path, "m", made_of)) == []


@pytest.mark.parametrize(
    "given, message",
    [
        (
            answers(1),
            r"answers.jsonl, line 1: answers 1 \('question 1\?'\), but 0 is asked "
            r"there \(q, line 0\)",
        ),
        ([answers(0)[0]._replace(prompt="other")], "but 0 is asked there"),
        (answers(0, 0), "line 2: answers 0 .*, but 1 is asked there"),
        (
            answers(*range(5)) + answers(5),
            "line 6: answers 5 .*, but nothing more is asked",
        ),
        (answers(0, model="n"), "an answer of 'n', not of 'm'"),
        ([answers(0)[0]._replace(metadata={"n": 7})], r"different here: n\)"),
        ([answers(0)[0]._replace(metadata={})], "line 1 does not say its n, so"),
    ],
)
def test_a_file_of_other_answers_is_refused(tmp_path, given, message):
    append_answers(tmp_path / "answers.jsonl", given)
    with pytest.raises(ValueError, match=message):
        list(unanswered(QUESTIONS, tmp_path / "answers.jsonl", "m", made_of))


@pytest.mark.parametrize(
    "line, message",
    [
        (
            '{"question_id": 1}',
            "line 1: field 'text' is missing; there are question_id",
        ),
        ('{"question_id": 1, "text": 3}', "line 1: field 'text' is 3, not of type str"),
        (
            '{"question_id": 1.5, "text": "a"}',
            "line 1: field 'question_id' is 1.5, not of type int or str",
        ),
        ('{"question_id": 1, "text": "a"', "line 1: this is not JSON"),
        ("[1]", "item 1: 1 is not a JSON object"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    path = tmp_path / "answers.jsonl"
    path.write_text(line)
    with pytest.raises(ValueError, match=message):
        list(read_answers(path))


def test_questions_that_occur_twice_are_refused_before_they_are_asked_twice(tmp_path):
    with pytest.raises(ValueError, match="q, line 0: question 0 was there before"):
        list(
            unanswered(
                [*QUESTIONS, QUESTIONS[0]], tmp_path / "answers.jsonl", "m", made_of
            )
        )
