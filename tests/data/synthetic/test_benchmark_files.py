"""Made benchmark files: they are those of the samples, and replace no real ones."""

import pytest

from tests.data.benchmarks.test_official_files import SAMPLES
from vlmcore.data.synthetic import benchmark_files
from vlmcore.data.synthetic.benchmark_questions import benchmark_scenes
from vlmcore.folders import MANIFEST, written_files


def test_the_samples_are_what_the_writer_writes(tmp_path):
    benchmark_files.write(benchmark_scenes(0, 3, 3), tmp_path)
    assert (tmp_path / "pope" / "val2014").is_dir() and written_files(tmp_path)
    (tmp_path / MANIFEST).unlink()
    names = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    assert names == sorted(path.relative_to(SAMPLES) for path in SAMPLES.rglob("*"))
    for name in names:
        if name.suffix in (".json", ".txt"):
            assert (tmp_path / name).read_text() == (SAMPLES / name).read_text(), name


def test_made_files_never_replace_those_of_a_real_benchmark(tmp_path):
    real = tmp_path / "pope" / "coco_pope_random.json"
    real.parent.mkdir()
    real.write_text("real")
    with pytest.raises(ValueError, match=r"coco_pope_random.json would be replaced"):
        benchmark_files.write(benchmark_scenes(0, 3, 3), tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [real]
