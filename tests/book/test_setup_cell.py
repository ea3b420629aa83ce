"""What happens on Colab: a fresh environment that holds torch and numpy runs the set-up cell, and both stay as they were."""

import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.book.conftest import ROOT, code_cells, teaching_chapters
from tests.book.test_chapters import address

HELD = [
    "torch",
    "numpy",
    "filelock",
    "fsspec",
    "jinja2",
    "MarkupSafe",
    "mpmath",
    "networkx",
    "setuptools",
    "sympy",
    "typing_extensions",
]


def furnish(python: Path) -> Path:
    """Puts torch, numpy and what they need into an environment, by linking the files of this one; returns where they lie."""
    site = next((python.parents[1] / "lib").glob("python*/site-packages"))
    for name in HELD:
        dist = distribution(name)
        for file in dist.files or []:
            source = Path(dist.locate_file(file))
            if (
                ".." in file.parts
                or not source.is_file()
                or "__pycache__" in file.parts
            ):
                continue
            target = site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                try:
                    os.link(source, target)
                except OSError:  # another file system
                    target.write_bytes(source.read_bytes())
    return site


def state(site: Path) -> dict[str, int]:
    """When torch's and numpy's files were made: an installation would replace them."""
    return {
        str(path): path.stat().st_ino
        for name in ("torch", "numpy")
        for path in site.glob(f"{name}/**/*.py")
    }


SETUP_CELLS = {
    code_cells(chapter)[0]: f"{chapter.parent.name}/{chapter.stem}"
    for chapter in reversed(teaching_chapters())
}
"""Every set-up cell there is, with the first chapter that has it: chapters of one
folder share theirs to the letter."""


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("cell", SETUP_CELLS, ids=SETUP_CELLS.get)
def test_the_set_up_cell_installs_vlmcore_and_leaves_torch_alone(cell, tmp_path):
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout, so there is nothing to clone")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    python = tmp_path / "env" / "bin" / "python"
    site = furnish(python)
    before = state(site)
    assert len(before) > 500

    script = tmp_path / "cell.py"
    check = (
        "\nimport vlmcore.models.vlm, vlmcore.plots\nassert "
        "os.path.exists('../results/easyvqa'), "
        "os.getcwd()\nprint(vlmcore.models.vlm.__file__)\n"
    )
    script.write_text(cell + check)
    # git is told that the repository's address is this checkout; everything else is as
    # on Colab
    redirect = {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"url.file://{ROOT}.insteadOf",
        "GIT_CONFIG_VALUE_0": address.current(),
    }
    redirect |= {"GIT_CONFIG_KEY_1": "safe.directory", "GIT_CONFIG_VALUE_1": "*"}
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "VIRTUAL_ENV")
    } | redirect
    done = subprocess.run(
        [python, script], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(site) in done.stdout
    assert state(site) == before
