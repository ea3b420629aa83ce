"""What an executed chapter depends on: its code, and what that code imports and reads.

A change in the package then re-executes the chapters that import what has changed,
directly or through other modules, and no others.
"""

import ast
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = ROOT / "requirements.txt", ROOT / "book" / "_ext" / "set_up.py"
"""What every chapter depends on."""


def code_of(notebook: Path) -> str:
    """The code of a notebook, without lines that are no Python."""
    cells = json.loads(notebook.read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return re.sub(r"(?m)^\s*[%!].*$", "", "\n".join(code))


def key(notebook: Path) -> str:
    """A hash of everything that decides what a notebook shows."""
    code = code_of(notebook)
    digest = hashlib.sha256(f"{sys.version_info[:2]}{code}".encode())
    for path in sorted({*SHARED, *package_files(code), *_read(code)}):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def package_files(code: str) -> set[Path]:
    """The files of the package that code depends on, through all imports.

    With a module come the packages around it and the data files beside it.
    """
    found, todo = set[Path](), set(_imported(ast.parse(code)))
    while todo:
        path = todo.pop()
        if path in found:
            continue
        found.add(path)
        todo |= _imports_of(path)
    return found | {data for path in found for data in _data_beside(path.parent)}


@cache
def _imports_of(path: Path) -> frozenset[Path]:
    # the package imports the names of its front door when they are first used
    front_door = path == ROOT / "vlmcore" / "__init__.py"
    return frozenset(() if front_door else _imported(ast.parse(path.read_text())))


def _imported(tree: ast.AST) -> Iterator[Path]:
    """The files that the imports of some code run or, inside functions, may run."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from _files(node.module)
            for alias in node.names:
                yield from _files(f"{node.module}.{alias.name}")
                if node.module == "vlmcore" and alias.name in _front_door():
                    yield from _files(_front_door()[alias.name])


@cache
def _front_door() -> dict[str, str]:
    """The module of each name that the package itself exports."""
    tree = ast.parse((ROOT / "vlmcore" / "__init__.py").read_text())
    return {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def _files(module: str) -> Iterator[Path]:
    """The file of a module of the package, and those of the packages around it."""
    parts = module.split(".")
    if parts[0] != "vlmcore":
        return
    for end in range(1, len(parts) + 1):
        place = ROOT.joinpath(*parts[:end])
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if path.exists():
                yield path


@cache
def _data_beside(folder: Path) -> frozenset[Path]:
    """Data files of a package's folder, those in folders without code included."""
    found = set[Path]()
    for path in folder.iterdir():
        if path.is_dir() and not any(path.glob("*.py")):
            found |= {
                p
                for p in path.rglob("*")
                if p.is_file() and "__pycache__" not in p.parts
            }
        elif path.is_file() and path.suffix != ".py":
            found.add(path)
    return frozenset(found)


def _read(code: str) -> set[Path]:
    """The shipped results in the folders that code names, or all of them."""
    named = set(re.findall(r"\.\./results/([\w-]+)", code))
    folders = [ROOT / "book" / "results" / name for name in named]
    if re.search(r"""["']\.\./results["']""", code):
        folders = [ROOT / "book" / "results"]
    paths = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    # recorded times of chapters do not change what a chapter shows
    return {path for path in paths if "chapters" not in path.parts}
