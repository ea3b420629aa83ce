"""Files that are there completely or not at all."""

import pytest

from vlmcore.files import beside, read_results, write_json


def test_a_file_appears_when_all_is_written(tmp_path):
    path = tmp_path / "made" / "scores.json"
    with beside(path) as partial:
        partial.write_text("{}")
        assert partial.name == path.name and not path.exists()
        with pytest.raises(FileNotFoundError):
            read_results(path.parent)  # no reader takes what is not finished
    assert path.read_text() == "{}" and list(path.parent.iterdir()) == [path]


def test_what_goes_wrong_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "scores.json"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), beside(path) as partial:
        partial.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_result_that_is_not_a_number_is_refused_and_writes_nothing(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "scores.json", {"value": float("nan")})
    assert not list(tmp_path.iterdir())


def test_results_are_whole_or_not_there(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not list(tmp_path.glob("*.json"))
    with pytest.raises(FileNotFoundError, match="holds no result"):
        read_results(tmp_path)
    (tmp_path / "b.json").write_text('{"x": 1,\n')
    with pytest.raises(ValueError, match=r"b.json is damaged at line 2"):
        read_results(tmp_path)
