"""Builds the archive of flags, pictograms and facts from three packages and a font.

    pip install countryinfo==1.0.1 babel emoji==2.16.0
    vlmcore ladder archive --font /usr/share/fonts/truetype/noto/NotoColorEmoji.ttf

Glyphs are those of Noto Color Emoji (SIL Open Font License), facts those of
`countryinfo` (MIT), names of countries, languages and currencies those of Unicode's
CLDR, through `babel`, and names of pictograms those of `emoji`. The few facts that are
missing or out of date, and other names of the same thing, are written down here.
Nothing else in the package needs any of them: the archive is shipped.
"""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vlmcore.data.flags.world import COLUMNS, SIDE
from vlmcore.files import beside, write_json

SMALLEST_POPULATION = 300_000
FONT_SIZE = 109
"""The only size of the font's bitmaps."""
TWIN_DISTANCE = 8.0
"""Flags whose pixels differ by less than this on average, of 255, are twins."""
_GREY, _PIXELS = 160, 24

_TERRITORIES = {"EH", "GP", "HK", "MO", "MQ", "PR", "RE"}
"""Have so many inhabitants and are no countries of their own; some share a flag."""
_NAMES = {
    "BA": "Bosnia",
    "CD": "DR Congo",
    "CG": "Congo",
    "CI": "Ivory Coast",
    "MM": "Myanmar",
    "PS": "Palestine",
    "TR": "Turkey",
    "TT": "Trinidad and Tobago",
}
"""Instead of CLDR's names with an alternative, an ampersand or a special letter."""
_CAPITALS = {
    "BI": ("Gitega",),
    "BJ": ("Cotonou",),
    "BO": ("La Paz",),
    "CI": ("Abidjan",),
    "GT": ("Guatemala",),
    "KW": ("Kuwait",),
    "KZ": ("Astana",),
    "LK": ("Sri Jayawardenepura Kotte", "Kotte"),
    "MM": ("Nay Pyi Taw",),
    "MN": ("Ulan Bator",),
    "MY": ("Putrajaya",),
    "NL": ("The Hague",),
    "SZ": ("Mbabane",),
    "TZ": ("Dar es Salaam",),
    "UA": ("Kiev",),
    "US": ("Washington", "Washington, D.C."),
    "ZA": ("Cape Town", "Bloemfontein"),
}
"""Accepted besides: seats of government, new and old names, spellings."""
_REGIONS = {
    **dict.fromkeys(("AM", "AZ", "CY", "GE", "KZ", "TR"), ("Asia", "Europe")),
    "RU": ("Europe", "Asia"),
}
"""Countries that lie in two regions, or are counted to either."""
_AMERICAS = (
    "America",
    "North America",
    "South America",
    "Central America",
    "Caribbean",
)
_LANGUAGES = {
    "AF": ("fa", "fa_AF", "ps"),
    "AZ": ("az",),
    "MY": ("ms",),
    "PH": ("fil", "en"),
    "RS": ("sr",),
    "SD": ("ar", "en"),
    "TL": ("pt", "tet"),
}
"""Of countries whose list is missing, or lacks an official language."""
_CURRENCIES = {
    "BG": ("BGN", "EUR"),
    "BO": ("BOB",),
    "CH": ("CHF",),
    "CL": ("CLP",),
    "HR": ("EUR", "HRK"),
    "ZW": ("USD", "ZWL"),
}
"""Changed since, or listed with units of account that nobody pays with."""
_SYNONYMS = {
    "Bangla": ("Bengali",),
    "Chinese": ("Mandarin", "Mandarin Chinese"),
    "Filipino": ("Tagalog",),
    "Odia": ("Oriya",),
    "Persian": ("Farsi",),
    "Sinhala": ("Sinhalese",),
}
"""Other names of languages."""


def build(font: Path, folder: Path) -> dict[str, Any]:
    """Writes the archive: one image with all glyphs, and their names and facts.

    Args:
        font: `NotoColorEmoji.ttf`.
        folder: for `glyphs.png` and `world.json`.

    Returns:
        The contents of `world.json`.

    Raises:
        ModuleNotFoundError: a package with names or facts is missing.
        ValueError: the font lacks a flag.
    """
    face = ImageFont.truetype(font, FONT_SIZE)
    flags, countries = list[Image.Image](), list[dict[str, Any]]()
    for country in _countries():
        flag = "".join(chr(0x1F1E6 + ord(c) - ord("A")) for c in country["code"])
        if (glyph := _glyph(flag, face)) is None:
            raise ValueError(f"{font} has no flag of {country['name']}; take Noto's")
        flags.append(glyph)
        countries.append(country)
    for country, twins in zip(countries, _twins(flags), strict=True):
        country["twins"] = [countries[i]["code"] for i in twins]
    drawn = {name: _glyph(text, face) for name, text in _pictograms().items()}
    pictograms = {name: glyph for name, glyph in drawn.items() if glyph is not None}
    world = {"countries": countries, "pictograms": list(pictograms)}
    with beside(folder / "glyphs.png") as path:
        _sheet([*flags, *pictograms.values()]).save(path, optimize=True)
    write_json(folder / "world.json", world)
    return world


def _countries() -> list[dict[str, Any]]:
    from babel import Locale  # only the builder needs these
    from countryinfo import all_countries

    cldr, found = Locale("en"), []
    for info in {info.iso()["alpha2"]: info for info in all_countries()}.values():
        code = info.iso()["alpha2"]
        people, here = info.population() or 0, code in cldr.territories
        if people < SMALLEST_POPULATION or code in _TERRITORIES or not here:
            continue
        languages = _LANGUAGES.get(code, tuple(info.languages()))
        currencies = _CURRENCIES.get(code, tuple(info.currencies()))
        region = _REGIONS.get(code, (info.region(),))
        facts = {
            "capital": [info.capital(), *_CAPITALS.get(code, ())],
            "region": [*region, *(_AMERICAS if region == ("Americas",) else ())],
            "language": _named([cldr.languages.get(each) for each in languages]),
            "currency": _units([cldr.currencies.get(each) for each in currencies]),
        }
        if all(facts.values()):
            name = _NAMES.get(code, cldr.territories[code])
            found.append({"code": code, "name": name, "facts": facts})
    return sorted(found, key=lambda country: country["name"])


def _named(names: list[str | None]) -> list[str]:
    """The names, each followed by its synonyms."""
    known = [name for name in names if name is not None]
    return [each for name in known for each in (name, *_SYNONYMS.get(name, ()))]


def _units(names: list[str | None]) -> list[str]:
    """Full names of currencies, then their units alone: `Swiss Franc`, `Franc`."""
    full = [name.split(" (")[0] for name in names if name is not None]
    units = [name.split()[-1] for name in full if " " in name]
    return list(dict.fromkeys([*full, *units]))


def _pictograms() -> dict[str, str]:
    """Pictograms of one code point, by their names of one English word."""
    import emoji

    found = {}
    for text, about in emoji.EMOJI_DATA.items():
        name = about["en"].strip(":")
        plain = text.replace("\ufe0f", "")
        whole = about["status"] == emoji.STATUS["fully_qualified"]
        word = name.isascii() and name.isalpha() and name.islower()
        if whole and word and len(plain) == 1:
            found[name] = text
    return dict(sorted(found.items()))


def _glyph(text: str, face: ImageFont.FreeTypeFont) -> Image.Image | None:
    """A glyph in the middle of a square, RGBA; None where the font has none."""
    canvas = Image.new("RGBA", (160, 160))
    ImageDraw.Draw(canvas).text((10, 10), text, font=face, embedded_color=True)
    box = canvas.getbbox()
    if box is None or not np.ptp(np.asarray(canvas)[..., :3]):
        return None
    glyph = canvas.crop(box)
    side = max(glyph.size)
    square = Image.new("RGBA", (side, side))
    square.paste(glyph, ((side - glyph.width) // 2, (side - glyph.height) // 2))
    small = square.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    # 64 colours look the same and make the archive half as large
    return small.quantize(64, Image.Quantize.FASTOCTREE).convert("RGBA")


def _twins(flags: list[Image.Image]) -> list[list[int]]:
    """For each flag the others that it can hardly be told from."""
    small = []
    for flag in flags:
        on_grey = Image.new("RGB", flag.size, (_GREY,) * 3)
        on_grey.paste(flag, mask=flag.getchannel("A"))
        reduced = on_grey.resize((_PIXELS, _PIXELS), Image.Resampling.BOX)
        small.append(np.asarray(reduced, dtype=float))
    pixels = np.stack(small)
    distance = np.abs(pixels[:, None] - pixels).mean((2, 3, 4))
    np.fill_diagonal(distance, np.inf)
    return [np.flatnonzero(row < TWIN_DISTANCE).tolist() for row in distance]


def _sheet(glyphs: list[Image.Image]) -> Image.Image:
    rows = -(-len(glyphs) // COLUMNS)
    sheet = Image.new("RGBA", (COLUMNS * SIDE, rows * SIDE))
    for i, glyph in enumerate(glyphs):
        sheet.paste(glyph, (i % COLUMNS * SIDE, i // COLUMNS * SIDE))
    return sheet
