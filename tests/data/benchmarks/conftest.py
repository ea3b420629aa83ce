"""An MMBench file of some rows."""

import base64

import pytest

from tests.data.benchmarks.test_image_files import RED, encoded

HEAD = ["index", "question", "hint", "A", "B", "C", "D", "answer", "category", "image"]


PACKED = base64.b64encode(encoded(RED)).decode()


@pytest.fixture
def table(tmp_path):
    """Writes an MMBench file of some rows."""

    def write(*rows, encoding="utf-8"):
        lines = ["\t".join(HEAD), *("\t".join(map(str, row)) for row in rows)]
        (tmp_path / "f.tsv").write_text("\n".join(lines) + "\n", encoding=encoding)
        return tmp_path / "f.tsv"

    return write


def row(index, *options, answer="A", image=PACKED, hint=""):
    return (index, "What?", hint, *options, answer, "color", image)


COLOURS = ("red", "blue", "green", "grey")
