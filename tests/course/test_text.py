"""Texts of strangers do nothing where they are read."""

import doctest

import pytest

from vlmcore.course import text
from vlmcore.course.text import cell_of_table, clean, file_name, one_line, quoted


def test_examples():
    assert doctest.testmod(text) == (0, 2)


@pytest.mark.parametrize(
    ("made_up", "shown"),
    [
        ("a\nb\tc", "a\nb\tc"),
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("\udcff", "\\udcff"),
        ("10\u202e01", "10\\u202e01"),  # would turn what follows round
        ("x" * 3_000, "x" * 2_000 + " …"),
    ],
)
def test_a_text_can_be_stored_and_printed(made_up, shown):
    assert clean(made_up) == shown
    clean(made_up).encode()


def test_nothing_is_loaded_or_run_by_markdown():
    line = one_line("![x](https://example.com/a.png) <img src=x> | `rm`\n# title")
    assert line == (
        r"!\[x\](https://example.com/a.png) &lt;img src=x&gt; \| \`rm\` # title"
    ).replace("!", r"\!")
    assert quoted("a\n![x](y)") == "    a\n    ![x](y)"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Ada Lovelace", "Ada_Lovelace"),
        ("../../x", "x"),
        ("a/b\\c", "a_b_c"),
        (".hidden", "hidden"),
        ("\n\x1b[2J", "2J"),
        ("…", "nameless"),
        ("Zoë", "Zoë"),
        ("x" * 300, "x" * 80),
    ],
)
def test_a_name_is_one_part_of_a_path(name, safe):
    assert file_name(name) == safe


def test_no_formula_for_a_spreadsheet():
    assert cell_of_table("=1+1") == "'=1+1" and cell_of_table("a\nb") == "a b"
