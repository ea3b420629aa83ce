"""The rules that keep the package simple, read off its syntax."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "vlmcore"
MODULES = sorted(PACKAGE.rglob("*.py"))

FLOORS = (
    {"files", "folders", "fingerprint"},
    {"config", "cost", "data"},
    {"models", "scaling"},
    {"paper", "training", "evaluation"},
    {"experiments", "plots", "course"},
    {"cli", "__main__"},
)
"""Folders of the package; a module imports from its own floor and the floors before.

The first four are the library, which knows nothing of the book's experiments."""
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}


def name_of(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "vlmcore"
        ):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in NAMES else node.module


NAMES = {name_of(path) for path in MODULES}
GRAPH = {name_of(path): set(imports(path)) for path in MODULES}


@pytest.mark.parametrize("name", GRAPH)
def test_imports_point_to_the_same_floor_or_down(name):
    folder = name.split(".")[1] if "." in name else None
    for imported in GRAPH[name] if folder else ():
        below = imported.split(".")[1]
        assert FLOOR[below] <= FLOOR[folder], f"{name} imports {imported}"


def test_imports_go_round_in_no_circle():
    left = {name: set(found) for name, found in GRAPH.items()}
    while left:
        free = [name for name, found in left.items() if not found & left.keys()]
        assert free, f"imports go round in a circle among {sorted(left)}"
        for name in free:
            del left[name]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_habits(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "every module says what it is"
    assert '"""What ' not in text, "a docstring is a sentence with a subject"
    for forbidden in (
        "trust_remote_code",
        "import pickle",
        "weights_only=False",
        "except:",
        "eval(" if "evaluation" not in text else "\0",
    ):
        assert forbidden not in text.replace(".eval(", ""), forbidden
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "getattr"
        ):
            assert len(node.args) == 2, (
                f"line {node.lineno}: a default of getattr hides a missing field"
            )


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_what_knows_its_own_files_deletes_or_moves_them(path):
    """All others write through `vlmcore.files` and `vlmcore.folders`."""
    own = {"files", "folders", "course.submission", "training.stages"}
    deletes = r"rmtree\(|\.unlink\(|os\.remove|shutil\.move|\.rename\((?!columns)"
    if name_of(path).removeprefix("vlmcore.") not in own:
        assert not re.findall(deletes, path.read_text())


def test_importing_does_nothing():
    """No random numbers drawn, no global setting changed, nothing printed."""
    names = ", ".join(name_of(path) for path in MODULES if path.name != "__init__.py")
    check = (
        "import torch, matplotlib, warnings\n"
        "before = (torch.random.get_rng_state().sum().item(), "
        "torch.get_num_threads(), dict(matplotlib.rcParams))\n"
        f"import {names}\n"
        "after = (torch.random.get_rng_state().sum().item(), torch.get_num_threads(), "
        "dict(matplotlib.rcParams))\n"
        "assert before == after\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", check], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_needs_no_torch_does_not_import_it():
    modules = (
        "vlmcore.experiments.analysis.headline_numbers, vlmcore.cost, "
        "vlmcore.paper, vlmcore.plots, vlmcore.course.checks, vlmcore.course.worker"
    )
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_file_has_300_lines_at_most_and_a_function_45():
    """With docstrings, in the package and its tests; ruff holds lines to 88 columns."""
    found = []
    for path in (*MODULES, *sorted(Path(__file__).parent.rglob("*.py"))):
        text = path.read_text()
        sizes = [(path.name, text.count("\n"), 300)]
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = node.end_lineno - node.lineno + 1
                sizes.append((f"{path}:{node.lineno} {node.name}", lines, 45))
        found += [
            f"{name}: {lines} lines" for name, lines, most in sizes if lines > most
        ]
    assert not found, "give what is hidden in it a name of its own"
