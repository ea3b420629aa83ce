"""Damaged files: every reader reads them or says in a sentence what is wrong.

    VLMCORE_FUZZ=10000 pytest tests/data/benchmarks/test_fuzz.py

damages so many files a reader instead of 300 in all. Every second one is read with
records that cannot be used left out.
"""

import os
import random
import shutil
from pathlib import Path

import pytest

from tests.data.benchmarks.test_official_files import SAMPLES
from vlmcore.data.benchmarks.llava import Answer, append_answers
from vlmcore.evaluation.benchmarks import score
from vlmcore.evaluation.image_loading import load, rgb_or_none
from vlmcore.evaluation.sources import SOURCES, load_benchmark

FILES = int(os.environ.get("VLMCORE_FUZZ", 300 // len(SOURCES)))
SUFFIXES = {".json", ".tsv", ".txt", ".jsonl"}
PIECES = [
    *(b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe9", b"\n", b"\t", b'"', b"{"),
    *(b"}", b",", b":", b"[" * 3000, b"9" * 5000, b"null", b"1e999", b"-1", b"NaN"),
    *(b"\\u0000", b"\\ud800", b"true", b"[]", b"{}", b"../../x"),
]


def damaged(rng, raw):
    """Cuts, doubles, flips or replaces some part of a file."""
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(raw) + 1)
        end = min(len(raw), at + rng.choice([0, 1, 2, 8, 40, 400]))
        kind = rng.randrange(5)
        if kind == 0:
            raw = raw[:at]
        elif kind == 1:
            raw = raw[:end] + raw[at:]
        elif kind == 2 and at < len(raw):
            raw = raw[:at] + bytes([raw[at] ^ (1 << rng.randrange(8))]) + raw[at + 1 :]
        else:
            raw = raw[:at] + rng.choice(PIECES) + raw[end:]
    return raw


def answers_to(questions, path):
    append_answers(path, [Answer(q.id, q.prompt, "yes", "m", {}) for q in questions])


@pytest.mark.parametrize("name", SOURCES)
def test_a_damaged_file_is_read_or_named(tmp_path, name):
    folder = Path(shutil.copytree(SAMPLES / name, tmp_path / name))
    benchmark = load_benchmark(name, tmp_path)
    answers, own = folder / "answers.jsonl", folder / "own"
    answers_to(benchmark.questions(), answers)
    texts = [path for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES]
    rng, read = random.Random(name), [0, 0]
    for number in range(FILES):
        path = rng.choice(texts)
        raw = path.read_bytes()
        path.write_bytes(damaged(rng, raw))
        chosen = load_benchmark(name, tmp_path, skip=number % 2 == 1)
        try:
            for question in chosen.questions():
                load(rgb_or_none, question.image)
            if number % 2 and path != answers:
                own.unlink(missing_ok=True)
                answers_to(chosen.questions(), own)
            else:
                shutil.copy(answers, own)
            assert score(chosen, own).headline.count > 0
            read[number % 2] += 1
        except (ValueError, FileNotFoundError) as error:
            assert str(folder) in str(error) and len(str(error)) < 2000, (number, error)
        path.write_bytes(raw)
    assert min(read) > 0, "some damage does no harm"
