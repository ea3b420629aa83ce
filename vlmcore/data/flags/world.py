"""The archive of flags, pictograms and facts, and which countries are asked about.

The archive lies in `book/results/ladder/world`, not in the wheel. `building` says how
it was made and from what. Countries are divided once: some are in the examples of every
prompt, some in trial runs, and those of the test are asked about in the final runs
alone. A country whose flag has a near twin is in no part.
"""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from vlmcore.files import find_above, read_json
from vlmcore.folders import sha256

SIDE, COLUMNS = 72, 26
"""Pixels along a glyph, and glyphs in a row of the archive's image."""
RELATIONS = ("capital", "region", "language", "currency")
CHECKSUMS = {
    "glyphs.png": "1f4b75b58b574ee1478a3ae450e024e4cf098a111c54c87f734b5e74152b9ffc",
    "world.json": "f79471fe2f831d4c98fb0e5cff46d4fb2531332937d30ef35fe1fb1df7da0d54",
}
PARTS = ("examples", "development", "test")
DEVELOPMENT = 24
"""Countries of development; the test has all that are left."""
EXAMPLES = ("DZ", "JP", "KW", "LU", "MG", "PA", "SE", "VE")
"""Countries of the examples, two in each of four regions. Their names are one token in
the tokenizers of all models, so that an example is the same as text and as a token."""
_SPLIT_SEED = 7


class Country(NamedTuple):
    """A country, its flag and what is known of it."""

    code: str
    """ISO 3166, two letters."""
    name: str
    glyph: int
    facts: dict[str, list[str]]
    """For each relation the accepted answers; the first is the one in examples."""
    twins: list[str]
    """Codes of countries with nearly the same flag."""


class World(NamedTuple):
    """Everything that a scene may show."""

    glyphs: np.ndarray
    """uint8 (glyphs, 72, 72, 4): flags, then pictograms, with transparency."""
    countries: tuple[Country, ...]
    pictograms: tuple[str, ...]
    """Names; the first is glyph `len(countries)`."""

    @property
    def names(self) -> tuple[str, ...]:
        """The name of every glyph."""
        return (*(country.name for country in self.countries), *self.pictograms)

    def country(self, name: str) -> Country:
        """A country by its name or code.

        Raises:
            ValueError: there is none.
        """
        for country in self.countries:
            if name in (country.name, country.code):
                return country
        raise ValueError(
            f"there is no country {name!r} among the {len(self.countries)}; "
            f"choose one such as {self.countries[0].name} or its code"
        )

    def part(self, name: str) -> tuple[Country, ...]:
        """The countries of one of the `PARTS`.

        Raises:
            ValueError: there is no such part.
        """
        if name not in PARTS:
            raise ValueError(f"no part {name!r}; choose from {', '.join(PARTS)}")
        single = [country for country in self.countries if not country.twins]
        order = np.random.default_rng(_SPLIT_SEED).permutation(len(single)).tolist()
        examples = [i for i in order if single[i].code in EXAMPLES]
        rest = [i for i in order if i not in examples]
        development, test = rest[:DEVELOPMENT], rest[DEVELOPMENT:]
        chosen = {"examples": examples, "development": development, "test": test}[name]
        return tuple(single[i] for i in sorted(chosen))


@lru_cache(maxsize=1)
def load_world(folder: str | Path | None = None) -> World:
    """Reads the archive.

    Args:
        folder: of the archive; by default that of the book around the working folder.

    Raises:
        FileNotFoundError: a file of the archive is missing.
        ValueError: a file is truncated or altered.
    """
    place = Path(folder) if folder else find_above("book/results", "folder")
    place = place if folder else place / "ladder" / "world"
    for name, checksum in CHECKSUMS.items():
        if not (place / name).exists():
            raise FileNotFoundError(
                f"{place} holds no {name}; take the folder from a clone of the book, "
                "or build it with: vlmcore ladder archive"
            )
        if sha256(place / name) != checksum:
            raise ValueError(
                f"{place / name} is truncated or altered: its checksum is not that of "
                "the archive; take it from a clone of the book"
            )
    sheet = np.asarray(Image.open(place / "glyphs.png").convert("RGBA"))
    rows = sheet.shape[0] // SIDE
    cells = sheet.reshape(rows, SIDE, COLUMNS, SIDE, 4).swapaxes(1, 2)
    about = read_json(place / "world.json")
    countries = tuple(
        Country(each["code"], each["name"], glyph, each["facts"], each["twins"])
        for glyph, each in enumerate(about["countries"])
    )
    pictograms = tuple(about["pictograms"])
    count = len(countries) + len(pictograms)
    return World(cells.reshape(-1, SIDE, SIDE, 4)[:count], countries, pictograms)
