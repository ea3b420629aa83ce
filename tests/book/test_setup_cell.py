"""The set-up cell: where it finds the book, and what it says when it cannot fetch it.

`colab.py` runs it in Colab's environment, with the installation and the notebook.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.book.conftest import ROOT, chapters, sources, teaching_chapters
from tests.book.test_repository import address, load

CELL = sources(teaching_chapters()[0], "code")[0]
PART = teaching_chapters()[0].parent.name
SCRIPT = "book/_ext/set_up.py"


def run(folder, **changes):
    """Runs the cell in a folder, as a script that says where it ends."""
    script = f"{CELL}\nimport os\nprint(os.getcwd())"
    environment = os.environ | {"GIT_CONFIG_COUNT": "0"} | changes
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


def redirected(url):
    """Settings by which git goes elsewhere than to the address."""
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{url}.insteadOf",
        "GIT_CONFIG_VALUE_0": address.current(),
    }


@pytest.fixture
def copy(tmp_path):
    """What the cell needs of the book, in a folder of another name."""
    root = tmp_path / "book of mine"
    for name in (SCRIPT, "vlmcore/py.typed"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    (root / "book" / PART).mkdir()
    (root / "book" / PART / "chapter.ipynb").write_text("{}")
    return root


@pytest.mark.parametrize("start", ["book/part", "book", "", "book/part/notes/mine"])
def test_the_book_is_found_by_its_own_mark_in_a_folder_or_above(copy, start):
    (copy / start).mkdir(parents=True, exist_ok=True)
    done = run(copy / start)
    assert done.stdout.strip() == str(copy / "book" / PART), done.stderr


def test_results_of_another_project_are_not_taken_for_the_book(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "notebooks").mkdir()
    done = run(tmp_path / "notebooks", **redirected("file:///nowhere"))
    assert "was not fetched" in done.stderr


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (redirected("https://book.invalid/"), "there is no network"),
        (redirected("file:///nowhere"), "there is no repository at this address"),
        ({"PATH": "/nowhere"}, "there is no git on this machine"),
    ],
    ids=["network", "address", "git"],
)
def test_the_cell_says_in_a_sentence_what_failed(changes, says, tmp_path):
    done = run(tmp_path, **changes)
    last = done.stderr.strip().splitlines()
    error = next(line for line in last if line.startswith("RuntimeError: "))
    assert says in error and address.current() in error
    assert not (tmp_path / "one-visual-token").exists()


def test_a_clone_that_was_stopped_is_made_anew(copy, tmp_path):
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *who, *command], cwd=copy, check=True)
    left = tmp_path / "content" / "one-visual-token.part" / ".git"
    left.mkdir(parents=True)
    done = run(tmp_path / "content", **redirected(f"file://{copy}"))
    assert done.stdout.strip().endswith(f"one-visual-token/book/{PART}"), done.stderr
    assert not left.exists()


def test_half_a_copy_is_not_worked_in(copy, tmp_path):
    (copy / "vlmcore" / "py.typed").unlink()
    assert f"{copy} is not a complete copy" in run(copy).stderr
    (tmp_path / "one-visual-token" / ".git").mkdir(parents=True)
    done = run(tmp_path)
    assert "one-visual-token is not a complete copy of the book; delete" in done.stderr


def test_what_is_installed_is_kept_by_its_version():
    """Versions that only an operating system has would stop pip."""
    set_up = load("set_up")
    for version in ("2.10.0+cu128", "2.9.0.post0", "1.0rc1", "2026.1.4"):
        assert re.fullmatch(set_up.RELEASE, version)
    for version in ("0.1.36ubuntu1", "1.0-dev", "unknown"):
        assert not re.fullmatch(set_up.RELEASE, version)
    kept = set_up.installed()
    assert {"torch", "numpy", "huggingface-hub", *set_up.RAISED} <= kept.keys()


def test_the_weights_are_those_of_the_makefile():
    assert f"WEIGHTS := {load('set_up').WEIGHTS}\n" in (ROOT / "Makefile").read_text()


def test_every_page_with_a_rocket_starts_with_the_cell():
    """The theme gives a rocket to every notebook; only the folder and preset differ."""
    for path in chapters():
        if path.suffix == ".ipynb":
            part = path.parent.relative_to(ROOT / "book").as_posix()
            wanted = CELL.split("\n\nPRESET")[0].replace(f'"{PART}"', f'"{part}"')
            found = sources(path, "code")[0].split("\n\nPRESET")
            assert found[0] == wanted, path
            assert len(found) == 1 + (path in teaching_chapters()), path
