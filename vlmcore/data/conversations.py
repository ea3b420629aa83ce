"""LLaVA's training data (arXiv 2310.03744): conversations in JSON, images beside them.

Half a million conversations are a gigabyte of JSON. They are read once, record by
record, and kept in a temporary file, of which memory holds the places only; images stay
in their folder or in tar files until they are asked for. Loader processes may share
all of it.
"""

import hashlib
import json
import os
import tarfile
from array import array
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple, Protocol

import numpy as np

from vlmcore.config.validation import as_path
from vlmcore.data.benchmarks.json_stream import Record, json_items, json_lines
from vlmcore.data.chat import IMAGE

_ROLES = {"human": "user", "gpt": "assistant"}
POOL = 32
"""Batches whose conversations are sorted by length together."""


class Conversation(NamedTuple):
    """Turns of user and assistant, and the name of the image they are about."""

    turns: list[dict[str, str]]
    """`{"role": …, "content": …}`, without the mark of the image."""
    image: str | None
    image_turn: int
    """The turn in which the image stands."""

    @property
    def question(self) -> str:
        """The first question, for a compressor that reads it; of a text, "image"."""
        return self.turns[0]["content"] if self.image else "image"

    def marked(self, order: str) -> list[dict[str, str]]:
        """The turns with `<image>`, as in LLaVA on a line of its own.

        It stands before the text of its turn, or after it with `question_first`,
        wherever the file has it.
        """
        turns = list(self.turns)
        if self.image is not None:
            role, text = turns[self.image_turn].values()
            parts = [IMAGE, text] if order == "image_first" else [text, IMAGE]
            turns[self.image_turn] = {"role": role, "content": "\n".join(parts)}
        return turns


class Images(Protocol):
    """Images by name."""

    def read(self, name: str) -> bytes:
        """The file of an image."""


class ImageFolder:
    """Images as files in a folder, and in folders inside."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = as_path("folder", folder)

    def read(self, name: str) -> bytes:
        """The file of an image; raises FileNotFoundError with its name."""
        path = self.folder / name
        if not path.is_file():
            raise FileNotFoundError(f"there is no {path}; check the folder of images")
        return path.read_bytes()


class TarShards:
    """Images in tar files, whose contents are listed once.

    Args:
        paths: of tar files that are not compressed.

    Raises:
        ValueError: a file is no such tar file.
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        self.paths = [as_path("a shard", path) for path in paths]
        self.places: dict[str, tuple[int, int, int]] = {}
        for number, path in enumerate(self.paths):
            try:
                with tarfile.open(path, "r:") as shard:
                    for member in shard:
                        if member.isfile():
                            place = (number, member.offset_data, member.size)
                            self.places[member.name.removeprefix("./")] = place
                        shard.members = []  # type: ignore[attr-defined]
            except tarfile.TarError as error:
                raise ValueError(
                    f"{path} is no tar file, or a compressed one ({error}); give plain "
                    "tar files"
                ) from error

    def read(self, name: str) -> bytes:
        """The file of an image; raises FileNotFoundError with its name."""
        if name not in self.places:
            raise FileNotFoundError(
                f"{name} is in none of {len(self.paths)} tar files; check the shards"
            )
        number, offset, size = self.places[name]
        with self.paths[number].open("rb") as shard:
            shard.seek(offset)
            return shard.read(size)


class Conversations:
    """The conversations of a file, on disk until they are asked for.

    Args:
        path: JSON with an array of records, or `.jsonl` with one a line. A record has
            `conversations`, a list of `{"from": "human" or "gpt", "value": text}`, and
            may name an `image`. `<image>` says in which turn that stands, by default in
            the first. A record of text only names none.
        images: where the images are, if there are any: a folder, or `TarShards`.

    Raises:
        ValueError: a record is not of this kind; the sentence says which.
    """

    def __init__(
        self, path: str | Path, images: str | Path | Images | None = None
    ) -> None:
        folder = isinstance(images, str | Path)
        self.images: Any = ImageFolder(images) if folder else images  # type: ignore[arg-type]
        self.file = TemporaryFile()  # noqa: SIM115  lives as long as the object
        self.offsets, words, seen = array("q", [0]), array("l"), array("b")
        checksum = hashlib.sha256()
        reader = json_lines if Path(path).suffix == ".jsonl" else json_items
        for record in reader(path):
            conversation = _conversation(record, self.images is not None)
            line = json.dumps(conversation).encode()
            checksum.update(line)
            self.file.write(line)
            self.offsets.append(self.offsets[-1] + len(line))
            texts = (turn["content"] for turn in conversation.turns)
            words.append(sum(len(text.split()) for text in texts))
            seen.append(conversation.image is not None)
        if not words:
            raise ValueError(f"{path} has no conversation; give at least one")
        self.file.flush()
        self.checksum = checksum.hexdigest()
        self.words, self.seen = np.array(words), np.array(seen, bool)

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, row: int) -> Conversation:
        start, end = self.offsets[row], self.offsets[row + 1]
        # no common position, so that processes may read at the same time
        return Conversation(
            *json.loads(os.pread(self.file.fileno(), end - start, start))
        )

    def made_of(self) -> dict[str, Any]:
        """Everything that decides the texts, and the names of the images."""
        return {"conversations": self.checksum}

    def epoch(self, batch_size: int, seeds: tuple[int, ...], epoch: int) -> np.ndarray:
        """The rows of an epoch in order, int (batches, batch_size).

        Batches are of similar lengths: of every `POOL` of them the conversations are
        sorted by words, those without an image apart; then the batches are mixed. Rows
        that fill no batch wait for another epoch.
        """
        rng = np.random.default_rng((*seeds, epoch))
        size = min(batch_size, len(self))
        rows = rng.permutation(len(self))[: len(self) // size * size]
        parts = [
            pool[np.lexsort((self.words[pool], self.seen[pool]))]
            for pool in np.split(rows, range(POOL * size, len(rows), POOL * size))
        ]
        batches = np.concatenate(parts).reshape(-1, size)
        return batches[rng.permutation(len(batches))]


def _conversation(record: Record, has_images: bool) -> Conversation:
    """A record, checked."""
    turns: list[dict[str, str]] = []
    image_turn, marks = 0, 0
    for part in record.get("conversations", list):
        role = part.get("from") if isinstance(part, dict) else None
        if role not in _ROLES or not isinstance(part.get("value"), str):
            raise ValueError(
                f"{record.where}: a turn is {json.dumps(part)[:60]}; it should be from "
                f"{' or '.join(_ROLES)}, with a text as its value"
            )
        if not turns and role == "gpt":
            continue  # as in LLaVA, an opening of the assistant is left out
        if turns and turns[-1]["role"] == _ROLES[role]:
            raise ValueError(
                f"{record.where}: two turns of {role} follow each other; join them"
            )
        if found := part["value"].count(IMAGE):
            image_turn, marks = len(turns), marks + found
        text = part["value"].replace(IMAGE, "").strip() if found else part["value"]
        turns.append({"role": _ROLES[role], "content": text})
    image = record.get("image") if record.fields.get("image") else None
    if marks > 1 or (marks and image is None) or (image and not has_images):
        raise ValueError(
            f"{record.where}: it has {marks} marks {IMAGE} and names "
            f"{'an image' if image else 'no image'}, and images are "
            f"{'given' if has_images else 'not given'}; one mark and one image belong "
            "together, in a folder or tar files"
        )
    if len(turns) < 2:
        raise ValueError(f"{record.where}: there is no answer to learn; remove it")
    return Conversation(turns[: len(turns) // 2 * 2], image, image_turn)
