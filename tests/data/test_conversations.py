"""Conversations in LLaVA's format, and images in folders and tar files."""

import json
import tarfile
import tracemalloc

import numpy as np
import pytest

from vlmcore.data.chat import IMAGE
from vlmcore.data.conversations import Conversations, ImageFolder, TarShards


def turn(who, text):
    return {"from": who, "value": text}


def record(*turns, **fields):
    speakers = ("human", "gpt")
    talk = [turn(speakers[i % 2], text) for i, text in enumerate(turns)]
    return {"id": "a", "conversations": talk, **fields}


RECORDS = [
    record(f"{IMAGE}\nWhat?", "A cat.", "Why?", "So.", image="a/1.png"),
    record("Why?", "So."),
    record(f"What?\n{IMAGE}", "A dog.", image="2.png"),
    record("First?", "Yes.", f"Here {IMAGE} now?", "No.", image="3.png"),
    {
        "conversations": [
            turn("gpt", "Hi."),
            *record("Who?", "I.", "?")["conversations"],
        ]
    },
]


@pytest.fixture
def write(tmp_path):
    def to(records, name="mix.json"):
        lines = "\n".join(map(json.dumps, records))
        text = lines if name.endswith("l") else json.dumps(records, indent=1)
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return to


@pytest.mark.parametrize("name", ["mix.json", "mix.jsonl"])
def test_turns_are_llavas(write, tmp_path, name):
    found = Conversations(write(RECORDS, name), tmp_path)
    texts = [[t["content"] for t in x.marked("image_first")] for x in found]
    assert texts == [
        [f"{IMAGE}\nWhat?", "A cat.", "Why?", "So."],
        ["Why?", "So."],
        [f"{IMAGE}\nWhat?", "A dog."],
        ["First?", "Yes.", f"{IMAGE}\nHere  now?", "No."],
        ["Who?", "I."],
    ]
    last = found[2].marked("question_first")[0]
    assert last == {"role": "user", "content": f"What?\n{IMAGE}"}
    assert [x.image for x in found] == ["a/1.png", None, "2.png", "3.png", None]
    assert [x.question for x in found][:3] == ["What?", "image", "What?"]


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (record("Why?"), r"item 2: there is no answer to learn"),
        (record(f"{IMAGE}", "A."), r"1 marks <image> and names no image"),
        (record(f"{IMAGE}{IMAGE}", "A.", image="1.png"), r"2 marks <image> and names"),
        ({"conversations": [turn("me", "?")]}, r'a turn is {"from": "me", "value'),
        ({"conversations": [turn("human", 1)]}, r"with a text as its value"),
        ({"conversations": [turn("human", "?")] * 2}, r"two turns of human follow"),
        ({"conversations": "?"}, r"'conversations' is \"\?\", not of type list"),
        ({"id": 1}, r"item 2: field 'conversations' is missing"),
    ],
)
def test_a_broken_record_is_named(write, tmp_path, bad, sentence):
    with pytest.raises(ValueError, match=sentence):
        Conversations(write([RECORDS[1], bad]), tmp_path)
    with pytest.raises(ValueError, match="images are not given"):
        Conversations(write(RECORDS))


def test_tar_files_and_folders_give_the_same_bytes(tmp_path):
    (tmp_path / "a").mkdir()
    for number, name in enumerate(("a/1.png", "2.png")):
        (tmp_path / name).write_bytes(bytes([number]) * (600 + number))
        with tarfile.open(tmp_path / f"{number}.tar", "w") as shard:
            shard.add(tmp_path / name, arcname=f"./{name}")
    shards = TarShards(sorted(tmp_path.glob("*.tar")))
    for name in ("a/1.png", "2.png"):
        assert shards.read(name) == ImageFolder(tmp_path).read(name)
    for images in (shards, ImageFolder(tmp_path)):
        with pytest.raises(FileNotFoundError, match=r"3\.png"):
            images.read("3.png")
    (tmp_path / "0.tar").write_bytes(b"no tar")
    with pytest.raises(ValueError, match=r"0.tar is no tar file"):
        TarShards([tmp_path / "0.tar"])


def test_batches_are_of_similar_lengths_and_rows_come_once(write):
    rng = np.random.default_rng(0)
    texts = ["why " * rng.integers(1, 200) for _ in range(999)]
    found = Conversations(write([record(text, "So.") for text in texts]))
    epoch = found.epoch(8, (0, 1), 0)
    assert epoch.shape == (124, 8) and len(np.unique(epoch)) == 992
    spread = found.words[epoch].std(axis=1).mean()
    assert spread < found.words.std() / 5
    assert (found.epoch(8, (0, 1), 0) == epoch).all()
    assert (found.epoch(8, (0, 1), 1) != epoch).any()
    assert np.corrcoef(found.words[epoch].mean(1), range(124))[0, 1] < 0.3


def test_memory_does_not_grow_with_the_texts(write):
    path = write([record("why " * 500, "so " * 500)] * 400)  # 1.4 MB
    tracemalloc.start()
    found = Conversations(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found[399].turns) == 2 and peak < path.stat().st_size / 4
