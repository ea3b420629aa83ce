"""The rules that keep the package simple, read off its syntax."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "vlmcore"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))

# data flows down; a module imports only from above
ORDER = [
    ["compressor_configs", "results", "scaling.frontier", "scaling.law"],
    ["config"],
    ["compressor_costs"],
    ["cost"],
    ["scaling.forms", "scaling.losses", "scaling.projection"],
    ["scaling.points"],
    ["scaling.model"],
    ["scaling.fitting"],
    ["scaling.intervals"],
    ["scaling.profiles", "scaling.resampling"],
    ["scaling.buying"],
    ["scaling"],
    ["scaling.coverage"],
    ["data.samples"],
    ["data.questions", "data.records"],
    ["data.choice_files", "data.llava", "data.vqa_files", "data.yes_no_files"],
    ["data.worlds.captioned", "data.worlds.drawing"],
    ["data.worlds.icons", "data.worlds.scenes"],
    ["data.worlds.families", "data.worlds.quiz"],
    ["data.worlds.bits", "data.miniature"],
    ["data.easyvqa"],
    ["data.words"],
    ["pretrained.files"],
    ["pretrained.smollm2"],
    ["pretrained"],
    ["vision"],
    ["features", "efficientnet"],
    ["compressors.chosen", "compressors.projector", "compressors.published", "compressors.regions"],
    [f"compressors.{name}" for name in ("mlp", "pool", "m3", "mqt", "tokenpacker", "quecc", "prumerge")],
    ["compressors"],
    ["language"],
    ["vlm", "lora"],
    ["adapters"],
    ["loop"],
    ["notes"],
    ["alignment", "capacity", "schooling"],
    ["naming", "training", "pretraining"],
    ["quizzes"],
    ["evaluation.scores", "evaluation.uncertainty", "evaluation.vqa_text"],
    [f"evaluation.{name}" for name in ("anls", "choices", "exact", "mme", "pope", "vqa")],
    ["evaluation.mmbench"],
    ["evaluation.metrics"],
    ["evaluation.rules", "evaluation.short_answers"],
    ["evaluation.benchmarks"],
    ["evaluation.sources", "evaluation.submissions"],
    ["tasks", "recall"],
    ["runs"],
    ["experiments"],
    ["estimate", "plans", "rerun"],
    ["sweep"],
    ["paper", "race", "seeds"],
    ["refit", "baselines"],
    ["grid"],
    ["conclusions", "recipe"],
    ["planner", "report", "plots.patches", "plots.style", "widgets"],
    [
        f"plots.{name}"
        for name in ("attention", "baselines", "benchmarks", "buying", "finding", "grid", "images", "laws", "race", "tasks", "training")
    ],
    ["plots"],
    ["checks.feedback", "checks.a3.points"],
    ["checks.a3.buying", "checks.a3.fitting", "checks.a3.certainty"],
    ["checks.a3"],
    ["checks"],
    ["course.notebooks", "course.wire"],
    ["course.worker", "course.submission"],
    ["course.grading"],
    ["course.__main__"],
]
RANK = {f"vlmcore.{name}": rank for rank, names in enumerate(ORDER) for name in names}


def name_of(path):
    return ".".join(["vlmcore", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vlmcore"):
            for alias in node.names:
                yield f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in RANK else node.module


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_up_only(path):
    name = name_of(path)
    if name in ("vlmcore", "vlmcore.course", "vlmcore.data", "vlmcore.data.worlds", "vlmcore.evaluation"):
        assert not list(imports(path)), "a package that only holds modules imports nothing"
        return
    assert name in RANK, f"{name} has no place in the order of the package yet"
    for imported in imports(path):
        assert RANK[imported] < RANK[name], f"{name} imports {imported}, which comes after it"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_habits(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "every module says what it is"
    for forbidden in ("trust_remote_code", "import pickle", "weights_only=False", "except:", "eval(" if "evaluation" not in text else "\0"):
        assert forbidden not in text.replace(".eval(", ""), forbidden
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
            assert len(node.args) == 2, f"line {node.lineno}: a default of getattr hides a missing field"


def test_importing_does_nothing():
    """No random numbers drawn, no global setting changed, nothing printed."""
    names = ", ".join(name_of(path) for path in MODULES if path.name != "__init__.py")
    check = (
        "import torch, matplotlib, warnings\n"
        "before = (torch.random.get_rng_state().sum().item(), torch.get_num_threads(), dict(matplotlib.rcParams))\n"
        f"import {names}\n"
        "after = (torch.random.get_rng_state().sum().item(), torch.get_num_threads(), dict(matplotlib.rcParams))\n"
        "assert before == after\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", check], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_needs_no_torch_does_not_import_it():
    modules = "vlmcore.report, vlmcore.cost, vlmcore.paper, vlmcore.plots, vlmcore.checks, vlmcore.course.worker"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
