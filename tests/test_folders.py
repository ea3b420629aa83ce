"""Files that belong together are all old or all new, whenever a writer is killed."""

import os
from pathlib import Path

import pytest

from vlmcore.folders import MANIFEST, files_beside, settle, written_files


class KilledError(BaseException):
    """A kill between two calls of the operating system."""


def write(folder, text, names=("a", "b/c"), **options):
    with files_beside(folder, **options) as partial:
        for name in names:
            (partial / name).parent.mkdir(exist_ok=True)
            (partial / name).write_text(text)


def contents(folder):
    names = ("a", "b/c", "d")
    return [(folder / n).read_text() for n in names if (folder / n).exists()]


def test_a_writer_killed_at_any_call_leaves_all_old_or_all_new_files(
    tmp_path, monkeypatch
):
    """The calls that change names, one after the other, each killed once."""
    seen, calls = [], 0

    def counted(original):
        def call(*args, **options):
            nonlocal calls
            calls += 1
            if calls > limit:
                raise KilledError
            return original(*args, **options)

        return call

    with monkeypatch.context() as patch:
        for name in ("rename", "replace", "unlink", "rmdir"):
            patch.setattr(os, name, counted(getattr(os, name)))
        for limit in range(40):
            folder, calls = tmp_path / str(limit), 10**-9
            limit, after = 10**6, limit  # the old files are written undisturbed
            write(folder, "old", ("a", "b/c", "d"))
            limit, calls = after, 0
            try:
                write(folder, "new")
                break
            except KilledError:
                limit = 10**6
                seen.append(contents(settle(folder)))
    assert contents(folder) == ["new", "new"], "the last was not killed"
    assert seen[0] == ["old"] * 3 and seen[-1] == ["new"] * 2
    assert all(each in (["old"] * 3, ["new"] * 2) for each in seen)
    assert not list(tmp_path.rglob(".vlmcore-written-*"))


def test_links_stay_links(tmp_path):
    """A link to the folder, to a file in it, and to a folder in it."""
    real, other = tmp_path / "real", tmp_path / "other"
    (real / "b").parent.mkdir()
    other.mkdir()
    (tmp_path / "link").symlink_to(real)
    (real / "a").symlink_to(other / "elsewhere")
    (real / "b").symlink_to(other)
    for text in ("old", "new"):
        write(tmp_path / "link", text)
        assert (other / "elsewhere").read_text() == (other / "c").read_text() == text
    links = (tmp_path / "link", real / "a", real / "b")
    assert all(link.is_symlink() for link in links)


def test_only_own_files_are_replaced_and_only_own_files_go(tmp_path):
    write(tmp_path, "old", ("a", "d"))
    (tmp_path / "mine").write_text("mine")
    write(tmp_path, "new", ("a",), whole=False)
    assert contents(tmp_path) == ["new", "old"]
    (tmp_path / "d").write_text("edited")
    write(tmp_path, "last", ("a",))
    assert contents(tmp_path) == ["last", "edited"], "d is not ours any more"
    assert written_files(tmp_path).keys() == {"a"}
    assert {path.name for path in tmp_path.iterdir()} == {"a", "d", "mine", MANIFEST}


@pytest.mark.parametrize("taken", ["b", "b/c"])
def test_a_foreign_file_or_folder_is_refused_before_anything_moves(tmp_path, taken):
    path = tmp_path / taken
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    with pytest.raises(ValueError, match=f"{path}.*choose another folder"):
        write(tmp_path, "new")
    assert path.read_text() == "mine" and not (tmp_path / "a").exists()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_the_same_content_is_no_conflict(tmp_path):
    (tmp_path / "a").write_text("same")
    write(tmp_path, "same", ("a",))
    write(tmp_path, "new", ("a",))
    assert contents(tmp_path) == ["new"]


def test_a_folder_named_like_ours_is_left_alone(tmp_path):
    mine = tmp_path / ".vlmcore-written-x" / "a"
    mine.parent.mkdir()
    mine.write_text("mine")
    assert settle(tmp_path) == tmp_path and mine.read_text() == "mine"
    assert settle(Path(tmp_path / "nowhere")).name == "nowhere"
