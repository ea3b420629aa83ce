"""The parts of a chapter, its set-up cell, its figures and its code."""

import json
import re
import subprocess

import nbformat
from mypy import api

from tests.book.conftest import (
    ROOT,
    chapters,
    code_and_text_blocks,
    prose,
    teaching_chapters,
)

PARTS = ("Objectives", "## What would make this wrong?", "## Summary", "## Exercises")
TOOLS = {"21_planner": ("## How does it answer?", "## What would make this wrong?")}
"""Parts of a page that is a tool and has no objectives, summary or exercises."""

MYPY = """
[[tool.mypy.overrides]]
module = {modules}
disallow_untyped_defs = false
check_untyped_defs = true
allow_redefinition_new = true
local_partial_types = true
"""


def test_every_notebook_is_in_the_table_of_contents():
    """Except the masters of assignments, which must not be published."""
    notebooks = (ROOT / "book").rglob("*.ipynb")
    shown = [path for path in notebooks if path.parent.name != "masters"]
    assert sorted(chapters()) == sorted(shown)


def test_notebooks_are_valid_without_outputs_and_paths_of_a_machine(chapter):
    notebook = nbformat.read(chapter, 4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs") and not cell.get("execution_count")
    assert not re.search(r"/(root|home|tmp|work|Users)/\w", chapter.read_text())


def test_a_chapter_has_its_parts(teaching_chapter):
    text = prose(teaching_chapter)
    for part in TOOLS.get(teaching_chapter.stem, PARTS):
        assert part in text, f"{teaching_chapter.name} has no {part!r}"
    if teaching_chapter.stem not in TOOLS:
        exercises = re.findall(r":label: (\S+)", text)
        solutions = re.findall(r"\{solution\} (\S+)", text)
        assert 3 <= len(exercises) <= 6 and exercises == solutions
        assert text.count(":class: dropdown") == len(solutions)


def test_figures_have_alternative_text(chapter):
    """A cell that ends in a figure describes it; a slider is no image."""
    for cell in nbformat.read(chapter, 4).cells:
        if cell.cell_type == "code" and re.match(
            r"plots\.(?!with_slider)", cell.source.splitlines()[-1]
        ):
            image = cell.metadata.get("mystnb", {}).get("image", {})
            assert len(image.get("alt", "")) > 40, cell.source


def test_included_code_exists(chapter):
    for file, name in re.findall(
        r"\{literalinclude\} (\S+)\n(?::language: \w+\n)?:pyobject: (\S+)",
        prose(chapter),
    ):
        code = (chapter.parent / file).read_text()
        assert re.search(rf"(def|class) {name.split('.')[-1]}\b", code), name


def test_scripts_in_the_text_are_bash(chapter):
    for script in re.findall(r"```bash\n(.*?)```", prose(chapter), re.DOTALL):
        done = subprocess.run(["bash", "-n"], input=script, text=True)
        assert done.returncode == 0, script


def test_time_and_memory_are_those_of_a_recorded_run(teaching_chapter):
    file = ROOT / "book" / "results" / "chapters" / f"{teaching_chapter.stem}.json"
    record = json.loads(file.read_text())
    time = "less than a minute"
    if record["minutes"] >= 1:
        time = f"{record['minutes']:.0f} minute{'s' * (record['minutes'] >= 1.5)}"
    badge = f"**2 CPU cores**: {time}, {record['memory_gb']:.1f} GB of memory"
    assert badge in prose(teaching_chapter)


def test_chapters_and_solutions_agree_with_the_package(tmp_path):
    """A type checker reads the code, also that which a chapter only shows.

    Notebooks are not typed code, so only some errors count: an unknown name, argument
    or attribute of the package, and an object of it where another is expected. With
    the package's own settings, what is known of the package need not be found anew.
    """
    classes = {
        name
        for path in (ROOT / "vlmcore").rglob("*.py")
        for name in re.findall(r"^class (\w+)", path.read_text(), re.MULTILINE)
    }
    files = []
    for path in teaching_chapters():
        code = "\n".join(code_and_text_blocks(path))
        files.append(tmp_path / f"chapter_{path.stem}.py")
        files[-1].write_text(re.sub(r"^(\s*)[%!].*", r"\1pass", code, flags=re.M))
    settings = tmp_path / "pyproject.toml"
    mine = MYPY.format(modules=json.dumps([file.stem for file in files]))
    settings.write_text((ROOT / "pyproject.toml").read_text() + mine)
    cache = ("--cache-dir", str(ROOT / ".mypy_cache"))
    config = ("--config-file", str(settings))
    report, errors, _ = api.run([*config, *cache, *map(str, files)])
    assert f"checked {len(files)} source files" in report, errors or report
    counted = (
        r"\[(call-arg|name-defined|import-not-found|syntax)\]$|: error: Module "
        rf"|has incompatible type \"({'|'.join(classes)})\""
        rf"|: error: \"({'|'.join(classes)})\" has no attribute"
    )
    assert not [line for line in report.splitlines() if re.search(counted, line)]
