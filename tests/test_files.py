"""Files that are there completely or not at all."""

import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from vlmcore.files import (
    beside,
    read_results,
    stored_result,
    temporary_folder,
    write_json,
    write_result,
    write_text,
)


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


@pytest.mark.parametrize("alive", [True, False])
def test_what_a_killed_writer_left_is_deleted_by_the_next(tmp_path, alive):
    """What a living one writes is not, nor what has another name."""
    path, mine = tmp_path / "scores.json", tmp_path / ".partial-mine"
    with ExitStack() as writing:
        left = writing.enter_context(temporary_folder(tmp_path))
        (left / "half").write_text("{")
        if not alive:
            left = Path(shutil.copytree(left, left.with_name(left.name + "x")))
        mine.mkdir()
        for folder in (left, mine):
            os.utime(folder, (0, 0))
        write_text(path, "{}")
        assert left.exists() == alive and mine.exists()


def test_a_folder_is_no_file_and_a_file_no_folder(tmp_path):
    with pytest.raises(ValueError, match="is a folder; give the name of a file"):
        write_text(tmp_path, "")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="cannot be made, since a file has its name"):
        write_text(tmp_path / "file" / "a", "")


def test_a_replaced_file_keeps_its_mode_and_its_link(tmp_path):
    path, link = tmp_path / "a", tmp_path / "link"
    write_text(path, "old")
    path.chmod(0o600)
    link.symlink_to(path)
    write_text(link, "new")
    assert path.read_text() == "new" and link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_result_replaces_only_a_result_of_its_name(tmp_path):
    path = tmp_path / "scores.json"
    write_result(path, {"name": "a", "right": 1})
    write_result(path, {"name": "a", "right": 2})
    with pytest.raises(ValueError, match=r"json belongs.*\(different here: name\)"):
        write_result(path, {"name": "b"})
    assert stored_result(path, name="a") == {"name": "a", "right": 2}
    with pytest.raises(ValueError, match=r"does not say its seed, so it may belong"):
        stored_result(path, name="a", seed=0)
    assert stored_result(tmp_path / "none", name="a") is None


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
