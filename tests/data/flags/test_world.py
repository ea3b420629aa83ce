"""The archive of flags and facts: complete, divided once, refused if altered."""

import shutil

import numpy as np
import pytest

from vlmcore.data.flags import building, world
from vlmcore.data.flags.world import PARTS, RELATIONS, load_world
from vlmcore.files import find_above

FOLDER = find_above("book/results", "folder") / "ladder" / "world"


@pytest.fixture(scope="module")
def flags():
    return load_world()


def test_every_country_has_its_facts_and_every_glyph_is_drawn(flags):
    assert (len(flags.countries), len(flags.pictograms)) == (170, 482)
    for country in flags.countries:
        assert set(country.facts) == set(RELATIONS) and all(country.facts.values())
    assert len(flags.glyphs) == len(set(flags.names)) == len(flags.names)
    assert flags.glyphs[..., 3].max((1, 2)).min() > 200, "no glyph is transparent"


@pytest.mark.parametrize(
    ("code", "relation", "answer"),
    [
        ("FR", "capital", "Paris"),
        ("KZ", "capital", "Astana"),
        ("BO", "capital", "La Paz"),
        ("BR", "region", "South America"),
        ("CH", "language", "Italian"),
        ("SN", "currency", "West African CFA Franc"),
        ("HR", "currency", "Euro"),
    ],
)
def test_facts_that_are_known(flags, code, relation, answer):
    assert answer in flags.country(code).facts[relation]


def test_parts_share_no_country_and_leave_twins_out(flags):
    parts = [{c.code for c in flags.part(name)} for name in PARTS]
    assert [len(part) for part in parts] == [8, 24, 130]
    twins = {c.code for c in flags.countries if c.twins}
    assert {"RO", "TD"} <= twins and len(twins) == 8
    assert len(set.union(*parts)) == sum(map(len, parts)) == 170 - len(twins)
    assert not set.union(*parts) & twins


def test_twins_are_found_by_their_pixels():
    from PIL import Image

    grey = [Image.new("RGBA", (72, 72), (shade,) * 3) for shade in (0, 7, 20)]
    assert building._twins(grey) == [[1], [0], []]


def test_units_of_currencies_stand_behind_their_names():
    names = ["Swiss Franc", "Euro", "Venezuelan Bolívar (2008)", None]
    assert building._units(names) == [
        *("Swiss Franc", "Euro", "Venezuelan Bolívar"),
        *("Franc", "Bolívar"),
    ]


def test_what_is_missing_or_altered_gets_a_sentence(flags, tmp_path):
    with pytest.raises(ValueError, match="no country 'Atlantis' among the 170"):
        flags.country("Atlantis")
    with pytest.raises(ValueError, match="no part 'train'; choose from examples"):
        flags.part("train")
    with pytest.raises(
        FileNotFoundError, match=r"holds no glyphs\.png; take the folder"
    ):
        load_world(tmp_path)
    for name in world.CHECKSUMS:
        shutil.copy(FOLDER / name, tmp_path)
    assert np.array_equal(load_world(tmp_path).glyphs, flags.glyphs)
    load_world.cache_clear()
    text = (tmp_path / "world.json").read_text()
    (tmp_path / "world.json").write_text(text.replace("Paris", "Pariz"))
    with pytest.raises(ValueError, match=r"world\.json is truncated or altered"):
        load_world(tmp_path)
