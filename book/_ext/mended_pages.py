"""Sphinx extension: mends what the theme and Sphinx put on every page.

The scripts of sphinx-thebe declare the same constant twice, and the book does not use
them. The bibliography says that it is a list to a screen reader, of which its entries
know nothing. The table of executed pages has marks that few fonts can print.
"""

from typing import Any

from sphinx.application import Sphinx


def is_thebe(script: Any) -> bool:
    """Whether a script of a page has to do with Thebe."""
    filename = str(getattr(script, "filename", script))
    return "thebe" in f"{filename} {getattr(script, 'attributes', '')}".lower()


def mend(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Removes those scripts, that role and those marks from a page."""
    scripts = context.get("script_files", [])
    context["script_files"] = [script for script in scripts if not is_thebe(script)]
    if body := context.get("body"):
        body = body.replace('role="list" class="cit', 'class="cit')
        context["body"] = body.replace("✅", "✓").replace("❌", "✗")


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the hook, after those of the theme."""
    app.connect("html-page-context", mend, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
