"""The address, the page on use, and the cache of executed chapters."""

import importlib.util
import re

import pytest
import yaml
from sphinxcontrib.bibtex.plugin import find_plugin

from tests.book.conftest import ROOT, chapters, pages, prose, sources


def load(name):
    """A Sphinx extension of the book, as a module."""
    file = ROOT / "book" / "_ext" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


address = load("address")


def test_the_address_is_the_same_everywhere():
    url = address.current()
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    assert config["repository"]["url"] == url
    assert config["html"]["baseurl"] == address.pages(url)
    for path in chapters():
        assert f'"{url}"' in sources(path, "code")[0]
    assert f"repository-code: {url}" in (ROOT / "CITATION.cff").read_text()
    readme = (ROOT / "README.md").read_text()
    assert f"git+{url}" in readme
    name = "/".join(url.split("/")[-2:])
    assert f"colab.research.google.com/github/{name}/blob" in readme


def test_one_command_sets_the_address(tmp_path):
    for path in address.bearers():
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    address.set_address("https://github.com/someone/elsewhere", tmp_path)
    text = "\n".join(path.read_text() for path in address.bearers(tmp_path))
    assert address.current() not in text
    assert "OWNER" not in text.replace("is `OWNER` until", "")
    assert address.current(tmp_path) == "https://github.com/someone/elsewhere"
    assert "https://someone.github.io/elsewhere/" in text
    with pytest.raises(ValueError, match="is not an address"):
        address.set_address("elsewhere", tmp_path)


def test_citations_are_by_author_and_year_in_round_brackets():
    extension = load("author_year")
    extension.setup(None)
    sphinx = yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]
    name = sphinx["config"]["bibtex_reference_style"]
    group = "sphinxcontrib.bibtex.style.referencing"
    style = find_plugin(group, name)()
    for brackets in (style.bracket_textual, style.bracket_parenthetical):
        assert (brackets.left, brackets.right) == ("(", ")")


def test_others_follow_two_names():
    """After a single one the style writes "and others" instead of "et al."."""
    text = (ROOT / "book" / "references.bib").read_text()
    authors = re.findall(r"author\s*= \{(.*)\}", text)
    assert len(authors) > 20
    assert not [
        x for x in authors if x.endswith(" and others") and x.count(" and ") < 2
    ]


def test_code_in_the_text_runs():
    """The build executes no code of this page's text."""
    text = prose(ROOT / "book" / "start" / "how_to_use.md")
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, "how_to_use", "exec"), {})


def test_the_reference_has_every_module():
    reference = load("reference")
    folder = ROOT / "book" / "api"
    for name in reference.FOLDERS:
        path = folder / f"{name}.md"
        assert path in pages()
        assert path.read_text() == reference.page(name), (
            f"{path.name} is not of this package; run python book/_ext/reference.py"
        )
