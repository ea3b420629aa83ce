"""The text of the chapters: figures early and described, few numbers in a sentence.

A sentence ends at a full stop, question mark or exclamation mark that a space follows,
and with its paragraph, list item, heading or box. A number begins with a digit, a sign
or a decimal point and has no letter in it but a unit; "12 × 12" is one number. Names
such as LLaVA-1.5 or 7B, years, and numbers of chapters, figures and tables are none.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from tests.book.conftest import ROOT, chapters

FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
MOST_CODE, MOST_NUMBERS = 15, 2
DESCRIBED = re.compile(r"\w*diagrams\.|plots\.with_slider|token_steps\(")
"""Figures that carry their description in themselves."""

_FENCE = re.compile(r"^(`{3,}|:{3,}|\${2})(.*)$")
_OPTION = re.compile(r"^:[\w-]+:.*$", re.MULTILINE)
_END = re.compile(r"(?<=[.?!])[)\"”]?\s+(?=[\"“(]?[^a-z\s])")
_YEARS = r"(?:19|20)\d\d\b(?![.,]\d)"
_NAMED = (
    r"(?i:\b(?:chapters?|figures?|tables?|sections?|stages?|parts?|equations?|steps?|seeds?)"
    r"\s\d+(?:(?:,| to| and) \d+)*)"
)
_NUMBER = re.compile(
    r"(?<![\w/.-])[-+−±]?\.?\d[\d,.]*(?:\s?[×x]\s?\d[\d,.]*)*"
    r"(?:-?(?:x|%|ms|s|px|k|GB|MB|kB))?(?![\w/]|\.\d)"
)


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Kind and text of every block of Markdown: what stands in fences, and the rest.

    Boxes are opened, so that their sentences count as those of the text. The kind is
    the fence's directive or language, "$$", or empty for text outside of any.
    """
    lines, plain = text.splitlines(), []
    while lines:
        line = lines.pop(0)
        fence = _FENCE.match(line.strip())
        if not fence or (fence[1] == "$$" and line.strip().count("$$") > 1):
            plain.append(line)
            continue
        yield "", "\n".join(plain)
        plain, inside = [], []
        while lines and lines[0].split()[:1] != [fence[1]]:  # a label may follow
            inside.append(lines.pop(0))
        del lines[:1]
        kind = re.sub(r"[{}]", "", fence[2]).strip() or fence[1]
        if kind.startswith(("admonition", "note", "tip", "important", "warning")):
            title = kind.partition(" ")[2]
            yield "title", title
            for inner, part in blocks(_OPTION.sub("", "\n".join(inside))):
                yield inner or f"box {title}", part
        else:
            yield kind.split()[0], "\n".join(inside)
    yield "", "\n".join(plain)


def running_text(path: Path, everything: bool = True) -> list[str]:
    """Paragraphs, list items and headings of a chapter, without tables and maths.

    Exercises and solutions are left out, and the line that states time and memory.

    Args:
        path: of the notebook.
        everything: with captions, titles of boxes and the box of objectives.
    """
    text = ""
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type == "markdown":
            for kind, block in blocks(cell.source):
                extra = kind in ("title", "box Objectives")
                if everything if extra else kind == "" or kind.startswith("box"):
                    text += f"\n\n{block}"
        elif everything:
            caption = cell.metadata.get("mystnb", {}).get("figure", {}).get("caption")
            text += f"\n\n{caption or ''}"
    text = re.sub(r"^(\||\*\*2 CPU cores).*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^\s*([-*]|\d+\.) ", "\n\n", text, flags=re.MULTILINE)
    text = re.sub(r"^(#+ .*)$", r"\n\n\1\n\n", text, flags=re.MULTILINE)
    parts = re.split(r"\n\s*\n", text)
    return [" ".join(part.split()) for part in parts if part.strip()]


def shown(text: str) -> str:
    """What a reader sees of a paragraph, without inline code and maths."""
    text = re.sub(r"\{cite[:\w]*\}`[^`]*`|\{numref\}`[^`]*`|\{eq\}`[^`]*`", "", text)
    text = re.sub(r"\{\w+\}`([^`<]*?)\s*(?:<[^>]*>)?`", r"\1", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`]*`", "code", text)
    text = re.sub(r"\$\$.*?\$\$", " ", text)
    text = re.sub(r"\$([-+]?[\d.,{}%\\]+)\$", lambda m: m[1].replace("{,}", ","), text)
    text = re.sub(r"\$[^$]*\$", "x", text)
    return re.sub(r"[*#]|\\$|\b_|_\b", "", text).strip()


def sentences(path: Path) -> list[str]:
    """The sentences of a chapter's running text."""
    return [
        sentence
        for part in running_text(path)
        for sentence in _END.split(shown(part))
        if sentence.strip()
    ]


def numbers(sentence: str) -> list[str]:
    """The numbers of a sentence."""
    return _NUMBER.findall(re.sub(f"{_YEARS}|{_NAMED}", "", sentence))


def figure_cells(path: Path) -> list[nbformat.NotebookNode]:
    """The cells with a caption."""
    cells = nbformat.read(path, 4).cells
    return [c for c in cells if "figure" in c.metadata.get("mystnb", {})]


def code_before_the_first_figure(path: Path) -> int:
    """Visible lines of code on the way to the first figure, those of its cell too."""
    count = 0
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type == "markdown":
            if re.search(r"\{figure\}", cell.source):
                return count
            continue
        if not FOLDED & set(cell.metadata.get("tags", [])):
            count += sum(bool(line.strip()) for line in cell.source.splitlines())
        if "figure" in cell.metadata.get("mystnb", {}):
            return count
    return count


def glossary() -> dict[str, str]:
    """The terms of the glossary, in lower case and as they are."""
    lines = (ROOT / "book" / "back" / "glossary.md").read_text().splitlines()
    inside = lines[lines.index("```{glossary}") + 1 :]
    return {x.lower(): x for x in inside if x and not x.startswith((" ", "`"))}


def links_of(path: Path) -> Counter[str]:
    """How often each term of the glossary is linked, in the text outside exercises."""
    text = "\n".join(running_text(path))
    found = re.findall(r"\{term\}`(?:[^`<]*<([^>]*)>|([^`<]*))`", text)
    return Counter((long or short).strip().lower() for long, short in found)


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("LLaVA-1.5 with 0.5B, 7B and ViT-L/14 of 2024 has 576 tokens.", 1),
        ("An interval of -.02 to 1.5 with 95 % and 4,096 channels.", 4),
        ("A grid of 12 × 12 patches, 3x the 40 ms of chapter 13.", 3),
        ("Stages 1 and 2, tables 3 to 5 and two words.", 0),
    ],
)
def test_numbers_are_told_from_names(sentence, found):
    assert len(numbers(sentence)) == found


def test_text_goes_on_after_a_numbered_equation():
    one, equation, two = blocks("One.\n$$\nx\n$$ (eq-x)\nTwo.")
    assert one[1] == "One." and equation == ("$$", "x") and two[1] == "Two."


def test_a_figure_stands_early(teaching_chapter):
    assert figure_cells(teaching_chapter), "no figure has a caption"
    assert code_before_the_first_figure(teaching_chapter) <= MOST_CODE


def test_a_sentence_has_few_numbers(teaching_chapter):
    long = [s for s in sentences(teaching_chapter) if len(numbers(s)) > MOST_NUMBERS]
    assert not long


def test_figures_are_named_described_and_referred_to(teaching_chapter):
    source = teaching_chapter.read_text()
    for cell in figure_cells(teaching_chapter):
        figure = cell.metadata["mystnb"]["figure"]
        last = ast.unparse(ast.parse(cell.source).body[-1])
        assert len(figure["caption"]) > 20 and figure["name"].startswith("fig-")
        assert f"{{numref}}`{figure['name']}`" in source, figure["name"]
        alt = cell.metadata["mystnb"].get("image", {}).get("alt", "")
        assert DESCRIBED.match(last) or len(alt) > 40, cell.source


def test_names_of_figures_are_unique():
    names = [
        cell.metadata["mystnb"]["figure"]["name"]
        for path in chapters()
        for cell in figure_cells(path)
    ]
    assert len(names) == len(set(names))


def pattern(term: str, terms: dict[str, str]) -> re.Pattern[str]:
    """Finds what is passed over (other roles, code, longer terms), links and words."""
    name = terms[term]
    flag = "" if name.isupper() else "?i:"
    longer = [t for t in terms if t != term and re.search(rf"\b{re.escape(term)}", t)]
    passed = [r"\{\w+\}`[^`]*`", r"`[^`]*`", r"\$[^$]*\$", r"\[[^\]]*\]\([^)]*\)"]
    passed += [rf"(?i:\b{re.escape(other)}s?\b)" for other in longer]
    target = re.escape(term)
    return re.compile(
        rf"(?P<link>(?i:\{{term\}}`(?:[^`<]*<{target}>|{target})`))|{'|'.join(passed)}"
        rf"|(?P<word>({flag}(?<![\w-]){re.escape(name)}s?(?![\w-])))"
    )


def unlinked(path: Path) -> dict[str, str]:
    """Terms whose first place in the running text is no link, with that place."""
    terms, wrong = glossary(), {}
    paragraphs = [p for p in running_text(path, everything=False) if p[0] != "#"]
    for term in terms:
        found = pattern(term, terms)
        hits = (hit for text in paragraphs for hit in found.finditer(text))
        first = next((hit for hit in hits if hit["link"] or hit["word"]), None)
        if first and first["word"]:
            start = first.start()
            wrong[term] = f"...{first.string[max(0, start - 30) : start + 40]}..."
    return wrong


def test_terms_of_the_glossary_are_linked_once_where_they_first_stand(teaching_chapter):
    links = links_of(teaching_chapter)
    assert set(links) <= set(glossary())
    assert not [term for term, times in links.items() if times > 1]
    assert not unlinked(teaching_chapter)
