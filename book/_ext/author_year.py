"""Sphinx extension: citations by author and year, "Li et al. (2024)".

The style of sphinxcontrib-bibtex has square brackets.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sphinx.application import Sphinx
from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import BracketStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

_round = partial(BracketStyle, left="(", right=")")


@dataclass
class RoundBrackets(AuthorYearReferenceStyle):
    """Author and year, with the year or both in round brackets."""

    bracket_textual: BracketStyle = field(default_factory=_round)
    bracket_parenthetical: BracketStyle = field(default_factory=_round)


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the style under the name that the configuration has."""
    group = "sphinxcontrib.bibtex.style.referencing"
    register_plugin(group, "round_brackets", RoundBrackets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
