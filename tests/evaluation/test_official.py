"""Parity with the rules that published packages carry, on tables and 20,000 answers.

The packages are fetched as files, without their dependencies.
"""

import importlib.util
import random
import subprocess
import sys
import types
import zipfile

import pytest

from tests.evaluation import messy, official_tables
from vlmcore.evaluation.metrics import mmbench_option
from vlmcore.evaluation.vqa_text import evalai, normalize_vqa

pytestmark = pytest.mark.network


def load_module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "-d",
        str(folder),
    ]
    subprocess.run([*pip, "lmms-eval==0.7.3", "salesforce-lavis==1.0.2"], check=True)
    for wheel in folder.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(folder)
    return folder


@pytest.fixture(scope="module")
def texts():
    return messy.vocabulary(20_000, 20)


def test_evalai(packages, texts):
    processor = load_module(
        packages / "lmms_eval/tasks/_task_utils/vqa_eval_metric.py"
    ).EvalAIAnswerProcessor
    assert [evalai(text) for text in texts] == [processor()(text) for text in texts]
    assert official_tables.CONTRACTIONS["evalai"] == processor.CONTRACTIONS
    assert list(official_tables.MARKS["evalai"]) == processor.PUNCTUATIONS


@pytest.mark.parametrize("state", ["vqav2_2016", "vqav2_2015"])
def test_the_official_scripts(packages, texts, state):
    """The package has the state of 2016, and with other tables that of 2015."""
    script = load_module(packages / "lavis/common/vqa_tools/vqa_eval.py").VQAEval()
    tables = official_tables
    assert tuple(script.punct) == tables.MARKS["evalai"]
    assert script.contractions == tables.CONTRACTIONS["evalai"]
    if state == "vqav2_2015":
        script.punct = tables.MARKS[state]
        script.contractions = tables.CONTRACTIONS[state]
    rng = random.Random(21)
    for text in texts:
        line = text.replace("\n", " ").replace("\t", " ").strip()
        plain = script.processDigitArticle(script.processPunctuation(line))
        references = [rng.choice(texts)] * 9 + [f"{text} "]
        treated = (
            references
            if len(set(references)) == 1
            else map(script.processPunctuation, references)
        )
        assert normalize_vqa(text, references, state) == (plain, tuple(treated))


def test_mmbench(packages, texts, monkeypatch):
    for name in ("loguru", "requests"):  # what only the part that asks ChatGPT needs
        monkeypatch.setitem(
            sys.modules,
            name,
            types.SimpleNamespace(logger=types.SimpleNamespace(info=lambda *_: None)),
        )
    official = load_module(
        packages / "lmms_eval/tasks/mmbench/mmbench_evals.py"
    ).MMBench_Evaluator()
    options = ["red", "cat x", "10"]
    for text in [
        *texts,
        "A",
        "(B).",
        "It is a B",
        "A red",
        "C:",
        "D",
        ":B)",
        "red cat x",
    ]:
        assert mmbench_option(text, options) == (
            official.can_infer(text, dict(zip("ABC", options, strict=True))) or None
        ), text
