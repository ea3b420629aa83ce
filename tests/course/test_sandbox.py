"""What a hostile submission gets hold of, changes or leaves: nothing."""

import os
import socket
from pathlib import Path

import pytest

from tests.course.hostile import ATTACKS, SOURCE
from vlmcore.course import sandbox
from vlmcore.course.checks.feedback import StoppedError, UnansweredError
from vlmcore.course.limits import Limits
from vlmcore.course.sandbox import Sandbox, find_sandbox
from vlmcore.course.submission import Submission

LIMITS = Limits(call_seconds=4, memory_gb=2, file_mb=20)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """A folder of the grader with a secret, and a server that nobody may reach."""
    if not find_sandbox().isolated:
        pytest.skip("no sandbox starts on this machine")
    folder = tmp_path_factory.mktemp("grader")
    (folder / "secret").write_text("SECRET OF THE GRADER")
    os.environ["COURSE_KEY"] = "SECRET KEY"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.01)
        yield folder, server
    del os.environ["COURSE_KEY"]


def processes():
    """The commands of all processes of this machine."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(path.read_bytes())
        except OSError:
            continue  # it has ended
    return b"".join(commands)


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gets_nothing(name, machine, tmp_path, write):
    folder, server = machine
    before = sorted(folder.iterdir()), (folder / "secret").read_text()
    notebook = write(tmp_path / "s.ipynb", SOURCE.format(ATTACKS[name]))
    output = tmp_path / "s.txt"
    with Submission(notebook.read_bytes(), output, LIMITS, (folder,)) as submission:
        try:
            got = submission.function("attack")(str(folder), server.getsockname()[1])
        except (StoppedError, UnansweredError) as error:
            got = str(error)
    assert "SECRET" not in ascii(got) and str(folder) not in output.read_text()
    assert (sorted(folder.iterdir()), (folder / "secret").read_text()) == before
    assert b"98765" not in processes()
    with pytest.raises(TimeoutError):
        server.accept()
    assert output.stat().st_size <= 20_000_000


def test_a_trial_decides(monkeypatch):
    """A program of the right name that starts nothing is no sandbox."""
    assert not Sandbox("/bin/false").works()
    assert not Sandbox("/nowhere/bwrap").works()
    assert Sandbox().works()


def test_a_slow_trial_is_no_refusal(tmp_path, monkeypatch):
    """Otherwise a busy machine would grade without a sandbox."""
    slow = tmp_path / "bwrap"
    slow.write_text("#!/bin/sh\nexec sleep 98764\n")
    slow.chmod(0o755)
    monkeypatch.setattr(sandbox, "_TRIAL_SECONDS", 0.5)
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: str(slow))
    with pytest.raises(TimeoutError, match=r"did not end within 0.5 seconds"):
        sandbox.find_sandbox.__wrapped__()
    assert b"98764" not in processes()


def test_what_lies_inside_what_is_shown_is_covered(tmp_path, write, monkeypatch):
    """Hidden tests below the folder of installed packages, say."""
    if not find_sandbox().isolated:
        pytest.skip("no sandbox starts on this machine")
    hidden = tmp_path / "site-packages" / "hidden"
    hidden.mkdir(parents=True)
    (hidden / "test_a1.py").write_text("SECRET")
    monkeypatch.syspath_prepend(str(hidden.parent))
    cell = f"import os\ndef f():\n    return os.listdir({str(hidden.parent)!r}), "
    cell += f"os.listdir({str(hidden)!r})"
    notebook = write(tmp_path / "s.ipynb", cell).read_bytes()
    for covered, seen in (((), ["test_a1.py"]), ((hidden,), [])):
        with Submission(notebook, tmp_path / "s.txt", hidden=covered) as submission:
            assert submission.function("f")() == [["hidden"], seen]
