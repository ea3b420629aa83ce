"""The set-up cell as on Colab: torch and numpy are there and stay unchanged."""

import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.book.conftest import ROOT, sources, teaching_chapters
from tests.book.test_repository import address

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
    """Links torch, numpy and their dependencies into an environment.

    Returns:
        The site-packages folder of that environment.
    """
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
    """Inodes of torch's and numpy's files; an installation would replace the files."""
    return {
        str(path): path.stat().st_ino
        for name in ("torch", "numpy")
        for path in site.glob(f"{name}/**/*.py")
    }


SETUP_CELLS = {
    sources(chapter, "code")[0]: f"{chapter.parent.name}/{chapter.stem}"
    for chapter in reversed(teaching_chapters())
}
"""Every set-up cell with its first chapter; chapters of one folder have the same."""


CHECK = """
import vlmcore.models.vlm, vlmcore.plots
assert os.path.exists("../results/easyvqa"), os.getcwd()
print(vlmcore.models.vlm.__file__)
"""


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
    script.write_text(cell + CHECK)
    # git clones this checkout instead of the address; everything else is as on Colab
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
