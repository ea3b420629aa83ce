"""Sphinx extension: shows the docstrings of attributes as they are.

Napoleon takes what stands before a colon in them for a type. A field of a named tuple
without a docstring has one from Python, which says only its number.
"""

from typing import Any

from sphinx.application import Sphinx

_KEPT: dict[str, list[str]] = {}


def keep(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Remembers the docstring of an attribute before Napoleon sees it."""
    if what == "attribute":
        _KEPT[name] = list(lines)


def restore(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Puts it back, unless nobody wrote it."""
    lines[:] = _KEPT.pop(name, lines)
    if what == "attribute" and lines and lines[0].startswith("Alias for field number"):
        lines.clear()


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers both, around Napoleon's own."""
    app.connect("autodoc-process-docstring", keep, priority=400)
    app.connect("autodoc-process-docstring", restore, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
