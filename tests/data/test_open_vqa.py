"""The shipped VQA set is what the package makes, and reads as LLaVA's data do."""

import json

import numpy as np
import pytest

from tests.book.conftest import ROOT
from vlmcore.data.conversations import Conversations, TarShards
from vlmcore.data.open_vqa import draw_pictures, write_set
from vlmcore.data.photographs import PHOTOGRAPHS, read_photographs
from vlmcore.folders import sha256, written_files
from vlmcore.models.images import read_image

SHIPPED = ROOT / "book" / "results" / "open_vqa"


def images_of(folder, name):
    records = json.loads((folder / f"{name}.json").read_text())
    return [record["image"] for record in records]


def test_the_shipped_files_are_complete_and_small():
    checksums = written_files(SHIPPED)
    assert {"images.tar", "captions.json", "train.json", "test.json"} < set(checksums)
    for name, checksum in checksums.items():
        assert sha256(SHIPPED / name) == checksum, name
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 600_000


def test_the_shipped_drawings_are_those_of_the_package():
    images = TarShards([SHIPPED / "images.tar"])
    for picture in draw_pictures(0, 108):
        shipped = read_image(images.read(picture.name), picture.name)
        assert (np.asarray(shipped) == np.asarray(picture.image)).all(), picture.name


def test_no_image_of_the_test_is_trained_on_and_each_photograph_has_a_licence():
    train, test = images_of(SHIPPED, "train"), images_of(SHIPPED, "test")
    assert not set(train) & set(test) and images_of(SHIPPED, "captions") == train
    photos = {name for name in (*train, *test) if name.endswith(".jpg")}
    licences = (SHIPPED / "LICENCES.txt").read_text()
    assert {name.rsplit(".")[0] for name in PHOTOGRAPHS} == {
        name.rsplit(".")[0] for name in photos
    }
    for name, (licence, *_) in PHOTOGRAPHS.items():
        assert f"{name}: {licence}" in licences
        assert licence.endswith(("CC0", "public domain"))


def test_another_set_is_as_large_as_asked_and_its_answers_are_of_its_captions(tmp_path):
    write_set(tmp_path / "set", drawings=12, seed=1)
    images = TarShards([tmp_path / "set" / "images.tar"])
    train = Conversations(tmp_path / "set" / "train.json", images)
    assert len(train) == 9 and len(images.places) == 12
    for picture in draw_pictures(1, 12):
        shapes = picture.caption.split(" and ")
        for question, answer in picture.questions.items():
            if question.startswith("What colour is the"):
                assert f"a {answer} {question.split()[-1][:-1]}" in shapes
            elif question.startswith("Is there a"):
                named = question.split()[-1][:-1] in picture.caption
                assert answer == ("yes" if named else "no")
            elif question.startswith("How many"):
                assert answer == ("one", "two")[len(shapes) - 1]
            else:
                assert answer == shapes[0].split()[-1]


def test_missing_photographs_are_a_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match="install scikit-image and give"):
        read_photographs(tmp_path)
