"""A built wheel: every command works in an empty folder, or says what it needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.book.conftest import ROOT

pytestmark = pytest.mark.slow
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the package from a wheel that is built from a copy."""
    folder = tmp_path_factory.mktemp("wheel")
    tracked = subprocess.run(
        ["git", "ls-files", "vlmcore", "pyproject.toml", "README.md", "LICENSE"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in tracked:
        copy = folder / "source" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())
    options = ["--no-deps", "--no-build-isolation", "--no-index"]
    build = [*PIP, "wheel", *options, "--wheel-dir", folder, folder / "source"]
    subprocess.run(build, check=True)
    (wheel,) = folder.glob("*.whl")
    install = [*PIP, "install", "--no-deps", "--no-index", "--target", folder / "site"]
    subprocess.run([*install, wheel], check=True)
    return folder / "site"


@pytest.fixture
def vlmcore(installed, tmp_path):
    """Runs the installed command in an empty folder."""

    def run(*arguments):
        command = [sys.executable, installed / "bin" / "vlmcore", *arguments]
        return subprocess.run(
            list(map(str, command)),
            cwd=tmp_path,
            env=os.environ
            | {"PYTHONPATH": str(installed), "HF_HUB_OFFLINE": "1", "COLUMNS": "80"},
            capture_output=True,
            text=True,
        )

    return run


def test_the_package_and_its_weights_come_from_the_wheel(installed, tmp_path):
    code = (
        "import vlmcore; vlmcore.VisionEncoder.from_pretrained(); "
        "print(vlmcore.__file__)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert Path(found.strip()).is_relative_to(installed)


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        ("env", "vlmcore       0.1.0"),
        ("sources", "pope       missing data/benchmarks/pope/val2014"),
        ("sources pope", "curl -fL"),
        ("sweep status grid", "grid: 0 of"),
        ("sweep plan grid --workers 2", "with 2 workers"),
        ("coverage --simulations 1 --with-refits 1", "coverage_counts.json written"),
        ("encoder probe --help", "Train a linear probe"),
        ("encoder train --help", "Train the encoder"),
        ("benchmark-model --help", "Train the model"),
        ("sweep run --help", "Do every run"),
    ],
)
def test_commands_that_need_no_book(vlmcore, arguments, printed):
    done = vlmcore(*arguments.split())
    assert (done.returncode, done.stderr) == (0, "") and printed in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("report", "there is no book/results in"),
        ("report --results .", "so the ledger would be incomplete"),
        ("rerun nowhere.json", "does not exist"),
        ("adapter nowhere.safetensors a", "nowhere.json"),
        ("factual-probe --out out --model ./nowhere", "nowhere"),
        ("course release", "name the folder with --assignments"),
    ],
)
def test_commands_that_say_what_they_need(vlmcore, arguments, sentence):
    done = vlmcore(*arguments.split())
    assert done.returncode == 2 and done.stdout == ""
    assert sentence in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_course_is_run_from_its_own_folder(vlmcore, tmp_path):
    assignments = ROOT / "book" / "assignments"
    done = vlmcore("course", "release", "--assignments", assignments)
    assert done.returncode == 0 and (tmp_path / "release").is_dir()
    (copy,) = (tmp_path / "release").glob("a3_*.ipynb")
    done = vlmcore("course", "check", copy, "--assignments", assignments)
    assert done.returncode == 0 and f"{copy.stem}: 0 of 23 points" in done.stdout
