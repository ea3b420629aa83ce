"""Sphinx extension: leaves out the scripts of sphinx-thebe.

The book does not use them, and they declare the same constant twice on every page.
"""

from typing import Any

from sphinx.application import Sphinx


def is_thebe(script: Any) -> bool:
    """Whether a script of a page has to do with Thebe."""
    filename = str(getattr(script, "filename", script))
    return "thebe" in f"{filename} {getattr(script, 'attributes', '')}".lower()


def drop_thebe(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Removes those scripts from a page."""
    scripts = context.get("script_files", [])
    context["script_files"] = [script for script in scripts if not is_thebe(script)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the hook, after those of the theme."""
    app.connect("html-page-context", drop_thebe, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
