"""Names and texts of strangers, made harmless before a person or a program reads them.

A submission chooses its file name, its messages and its texts: they may hold control
codes of a terminal, halves of characters that no file can store, pictures that load
from elsewhere, formulas of a spreadsheet, or parts of a path.
"""

import html
import re
import unicodedata

LONGEST = 2_000
"""Characters of a message that are kept."""


def clean(text: str, longest: int = LONGEST) -> str:
    r"""Returns a text without control characters and lone surrogates, cut to length.

    Example:
        >>> clean("red \x1b[31m and \ud800")
        'red \\x1b[31m and \\ud800'
    """
    shown = [
        c if c in "\n\t" or unicodedata.category(c)[0] != "C" else _escaped(c)
        for c in text[:longest].replace("\r\n", "\n")
    ]
    return "".join(shown) + (" …" if len(text) > longest else "")


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")


def one_line(text: str, longest: int = 500) -> str:
    """Returns a text as it stands in a table of Markdown, where nothing is loaded."""
    line = html.escape(" ".join(clean(text, longest).split()), quote=False)
    return re.sub(r"([\\`|!\[\]])", r"\\\1", line)


def quoted(text: str) -> str:
    """Returns a student's text as a block of code, in which Markdown does nothing."""
    return "\n".join(f"    {line}" for line in clean(text, 20_000).splitlines())


def file_name(name: str) -> str:
    """Returns a name that is safe as the name of a file, in lower ASCII or letters.

    Example:
        >>> file_name("../../etc/pass wd")
        'etc_pass_wd'
    """
    plain = unicodedata.normalize("NFKC", name)
    return re.sub(r"[^\w.-]+", "_", plain).strip("._-")[:80] or "nameless"


def cell_of_table(text: str) -> str:
    """Returns a text that no spreadsheet takes for a formula."""
    line = " ".join(clean(text, 500).split())
    return f"'{line}" if line[:1] in ("=", "+", "-", "@") else line
