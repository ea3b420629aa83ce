"""Opens text files as people have them, in any of the usual encodings."""

import codecs
from pathlib import Path
from typing import TextIO

from vlmcore.config.validation import as_path

_LATIN_1 = "vlmcore.latin-1"


def open_text(path: str | Path) -> TextIO:
    """Opens a file of UTF-8, with or without a byte-order mark.

    Bytes that are not UTF-8 are read as Latin-1, in which older files are written, and
    a file that begins with the mark of UTF-16 is read as that.

    Raises:
        FileNotFoundError: there is no such file.
    """
    path = as_path("a file", path)
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no {path}; `vlmcore sources` says where the files come from"
        )
    with path.open("rb") as file:
        start = file.read(2)
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return path.open(encoding="utf-16", errors="replace")
    return path.open(encoding="utf-8-sig", errors=latin_1_errors())


def latin_1_errors() -> str:
    """The name of a way to decode, in which foreign bytes are Latin-1."""
    codecs.register_error(_LATIN_1, _as_latin_1)
    return _LATIN_1


def _as_latin_1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end
