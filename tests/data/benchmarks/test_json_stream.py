import json
import random
from typing import NamedTuple

import pytest

from vlmcore.data.benchmarks import json_stream
from vlmcore.data.benchmarks.joining import join
from vlmcore.data.benchmarks.json_stream import Record, json_items, json_lines


class Located(NamedTuple):
    id: int
    where: str


def made_up(rng, depth=0):
    """A JSON value with brackets and quotes in texts, nesting, Unicode and numbers."""
    kind = rng.randrange(5 if depth < 3 else 3)
    if kind == 0:
        return rng.choice([12, -3.5e10, None, True, 123456789])
    if kind < 3:
        return "".join(
            rng.choices(
                ['"', "\\", "]", "}", ",", ":", " ", "é", "日", "a", "\n"],
                k=rng.randrange(30),
            )
        )
    if kind == 3:
        return [made_up(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {f"{i}": made_up(rng, depth + 1) for i in range(rng.randrange(4))}


@pytest.mark.parametrize("chunk", [1, 3, 64, 1 << 16])
@pytest.mark.parametrize("indent", [None, 2])
def test_streamed_records_are_those_of_json(tmp_path, monkeypatch, chunk, indent):
    monkeypatch.setattr(json_stream, "_CHUNK", chunk)
    rng, path = random.Random(chunk), tmp_path / "a.json"
    for ascii_only in (True, False):
        items = [{"id": i, "x": made_up(rng)} for i in range(40)]
        whole = {"info": made_up(rng), "questions": items, "more": made_up(rng)}
        path.write_text(
            json.dumps(whole, indent=indent, ensure_ascii=ascii_only), encoding="utf-8"
        )
        assert [record.fields for record in json_items(path, "questions")] == items
        path.write_text(json.dumps(items, indent=indent), encoding="utf-8")
        assert [record.fields for record in json_items(path)] == items
        named = {f"q{i}": item for i, item in enumerate(items)}
        path.write_text(json.dumps(named, indent=indent), encoding="utf-8")
        assert {record.key: record.fields for record in json_items(path)} == named


def test_an_empty_array_has_no_records(tmp_path):
    (tmp_path / "a.json").write_text('{"questions": [ ]}')
    assert list(json_items(tmp_path / "a.json", "questions")) == []


def test_lines(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n{"a": 2}')
    assert [(record.where, record.fields) for record in json_lines(path)] == [
        (f"{path}, line 1", {"a": 1}),
        (f"{path}, line 3", {"a": 2}),
    ]


@pytest.mark.parametrize(
    "text, message",
    [
        ('{"questions": [{"a": 1}, {"a": ', "broken JSON after 1 records .*incomplete"),
        (
            '{"questions": [{"a": 1} {"a": 2}]}',
            "broken JSON after 1 records .*, expected",
        ),
        ('{"other": []}', "no field 'questions'; is this the right file"),
        ('{"questions": 3}', "broken JSON after 0 records"),
        ('{"questions": [3]}', "questions 1: 3 is not a JSON object"),
        ("", "broken JSON after 0 records"),
    ],
)
def test_a_broken_file_is_named(tmp_path, text, message):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        list(json_items(path, "questions"))
    assert str(path) in str(error.value)


def test_a_broken_line_or_field_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n{"a": \n')
    with pytest.raises(
        ValueError,
        match=r"a.jsonl, line 2: this is not JSON \(Expecting value at column 7\)",
    ):
        list(json_lines(path))
    with pytest.raises(FileNotFoundError, match="sources` says where"):
        list(json_lines(tmp_path / "none"))
    record = Record("f, line 3", "", {"a": [1], "b": 2})
    with pytest.raises(
        ValueError, match="f, line 3: field 'c' is missing; there are a, b"
    ):
        record.get("c")
    with pytest.raises(
        ValueError, match=r"f, line 3: field 'a' is \[1\], not of type int or str"
    ):
        record.get("a", (int, str))


@pytest.mark.parametrize("shuffled", [False, True])
def test_join_is_a_look_up(shuffled):
    numbers = list(range(500))
    others = random.Random(0).sample(numbers, 500) if shuffled else numbers
    pairs = list(
        join((Located(i, "q") for i in numbers), (Located(i, "a") for i in others))
    )
    assert [(q.id, a.id, a.where) for q, a in pairs] == [(i, i, "a") for i in numbers]


@pytest.mark.parametrize(
    "questions, others, message",
    [
        ([1, 2, 1], [1, 2], "q2: question 1 was there before"),
        ([1, 2], [1], "q1: question 2 has no answer"),
        ([1, 2], [2, 2, 1], "a1: a second answer to question 2"),
        ([1, 2], [1, 1, 2], "a1: a second answer to question 1"),
        ([1, 2], [1, 2, 1], "a2: a second answer to question 1"),
        ([1, 2], [1, 2, 3], "a2: an answer to unknown question 3"),
        ([1, 2], [3, 1, 2], "a0: an answer to unknown question 3"),
    ],
)
def test_ids_that_do_not_match_are_named(questions, others, message):
    with pytest.raises(ValueError, match=message):
        list(
            join(
                [Located(i, f"q{n}") for n, i in enumerate(questions)],
                [Located(i, f"a{n}") for n, i in enumerate(others)],
            )
        )
