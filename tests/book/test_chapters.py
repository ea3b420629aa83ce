import importlib.util
import json
import re

import nbformat
import pytest
import yaml
from mypy import api

from tests.book.conftest import (
    ROOT,
    chapters,
    code_and_text_blocks,
    code_cells,
    teaching_chapters,
)


def load(name):
    spec = importlib.util.spec_from_file_location(
        name, ROOT / "book" / "_ext" / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


address = load("address")

TOOLS = ["21_planner"]
"""Pages to be used and not studied: they explain themselves, but have no objectives,
summary or exercises."""


def prose(path):
    return "\n\n".join(
        cell.source
        for cell in nbformat.read(path, 4).cells
        if cell.cell_type == "markdown"
    )


def test_every_notebook_is_in_the_table_of_contents():
    """Except masters of assignments, which must not be published."""
    shown = [
        path
        for path in (ROOT / "book").rglob("*.ipynb")
        if path.parent.name != "masters"
    ]
    assert sorted(chapters()) == sorted(shown)


def test_notebooks_are_valid_and_carry_no_outputs(chapter):
    notebook = nbformat.read(chapter, 4)
    nbformat.validate(notebook)
    assert all(
        not cell.get("outputs") and not cell.get("execution_count")
        for cell in notebook.cells
    )


def test_nothing_speaks_of_one_machine(chapter):
    assert not re.search(r"/(root|home|tmp|work|Users)/\w", chapter.read_text())


def test_a_chapter_has_its_parts(teaching_chapter):
    text = prose(teaching_chapter)
    if teaching_chapter.stem in TOOLS:
        assert all(
            part in text
            for part in (
                "2 CPU cores",
                "## How does it answer?",
                "## What would make this wrong?",
            )
        )
        return
    for part in (
        "Objectives",
        "2 CPU cores",
        "## What would make this wrong?",
        "## Summary",
        "## Exercises",
    ):
        assert part in text, f"{teaching_chapter.name} has no {part!r}"
    exercises, solutions = (
        re.findall(r":label: (\S+)", text),
        re.findall(r"\{solution\} (\S+)", text),
    )
    assert 3 <= len(exercises) <= 6 and exercises == solutions
    assert text.count(":class: dropdown") == len(solutions)


def test_set_up_cells_differ_in_their_folder_only(teaching_chapter):
    assert (
        len(
            {
                re.sub(r"book/\w+", "book/PART", code_cells(path)[0])
                for path in teaching_chapters()
            }
        )
        == 1
    )
    cell = code_cells(teaching_chapter)[0]
    assert f"book/{teaching_chapter.parent.name}" in cell
    assert re.search(r'^PRESET = "cpu"', cell, re.MULTILINE)


def test_figures_have_a_text_for_those_who_cannot_see_them(chapter):
    for cell in nbformat.read(chapter, 4).cells:
        if cell.cell_type == "code" and re.match(
            r"plots\.(?!with_slider)", cell.source.splitlines()[-1]
        ):
            assert (
                len(cell.metadata.get("mystnb", {}).get("image", {}).get("alt", ""))
                > 40
            ), cell.source


def test_time_and_memory_are_those_of_a_recorded_run(teaching_chapter):
    record = json.loads(
        (
            ROOT / "book" / "results" / "chapters" / f"{teaching_chapter.stem}.json"
        ).read_text()
    )
    took = (
        f"{record['minutes']:.0f} minute{'s' * (record['minutes'] >= 1.5)}"
        if record["minutes"] >= 1
        else "less than a minute"
    )
    assert f"**2 CPU cores**: {took}, {record['memory_gb']:.1f} GB of memory" in prose(
        teaching_chapter
    )


def test_the_address_stands_in_one_place_and_is_repeated_truly():
    url = address.current()
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    assert config["repository"]["url"] == url
    assert config["html"]["baseurl"] == address.pages(url)
    for path in teaching_chapters():
        assert f'"{url}"' in code_cells(path)[0]
    assert f"repository-code: {url}" in (ROOT / "CITATION.cff").read_text()
    readme = (ROOT / "README.md").read_text()
    assert (
        f"git+{url}" in readme
        and f"colab.research.google.com/github/{'/'.join(url.split('/')[-2:])}/blob"
        in readme
    )


def test_the_address_is_set_by_one_command(tmp_path):
    for path in address.bearers():
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    address.set_address("https://github.com/someone/elsewhere", tmp_path)
    texts = [path.read_text() for path in address.bearers(tmp_path)]
    assert not any(
        address.current() in text or "OWNER" in text.replace("is `OWNER` until", "")
        for text in texts
    )
    assert address.current(tmp_path) == "https://github.com/someone/elsewhere"
    assert any("https://someone.github.io/elsewhere/" in text for text in texts)
    with pytest.raises(ValueError, match="is not an address"):
        address.set_address("elsewhere", tmp_path)


def test_the_code_of_the_pages_prose_runs():
    """Blocks of code in how_to_use are not executed by the build; here they are."""
    page = prose(ROOT / "book" / "start" / "how_to_use.ipynb")
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "how_to_use", "exec"), {})


def test_the_cache_of_executed_chapters_knows_what_they_run_on(monkeypatch, tmp_path):
    fresh_cache = load("fresh_cache")
    (tmp_path / "vlmcore").mkdir()
    (tmp_path / "requirements.txt").write_text("torch")
    (tmp_path / "vlmcore" / "a.py").write_text("1")
    monkeypatch.setattr(fresh_cache, "ROOT", tmp_path)
    before = fresh_cache.fingerprint()
    assert fresh_cache.fingerprint() == before
    (tmp_path / "vlmcore" / "a.py").write_text("2")
    assert fresh_cache.fingerprint() != before


def test_chapters_and_solutions_call_the_package_as_it_is(tmp_path):
    """A type checker reads what takes a quarter of an hour to execute, and the solutions of exercises, which are not executed.

    Notebooks are not typed code: what counts is a name or an argument that is not
    there, and an object of ours where another is asked for.
    """
    ours = {
        name
        for path in (ROOT / "vlmcore").rglob("*.py")
        for name in re.findall(r"^class (\w+)", path.read_text(), re.MULTILINE)
    }
    files = []
    for path in teaching_chapters():
        files.append(tmp_path / f"chapter_{path.stem}.py")
        files[-1].write_text(
            re.sub(
                r"^(\s*)[%!].*",
                r"\1pass",
                "\n".join(code_and_text_blocks(path)),
                flags=re.MULTILINE,
            )
        )
    options = [
        "--config-file=",
        "--ignore-missing-imports",
        "--check-untyped-defs",
        "--allow-redefinition-new",
        "--local-partial-types",
    ]
    said, trouble, _ = api.run(
        [
            *options,
            "--cache-dir",
            str(ROOT / ".mypy_cache" / "chapters"),
            *map(str, files),
        ]
    )
    assert f"checked {len(files)} source files" in said, trouble or said
    counted = (
        r"\[(call-arg|name-defined|import-not-found|syntax)\]$|: error: Module "
        rf"|has incompatible type \"({'|'.join(ours)})\""
    )
    assert not [line for line in said.splitlines() if re.search(counted, line)]
