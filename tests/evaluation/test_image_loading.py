import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

from vlmcore.config import PoolConfig
from vlmcore.data.benchmarks.question import Question
from vlmcore.evaluation.image_loading import ImageLoader, preparation
from vlmcore.models.images import as_rgb, to_pixels


class Counting:
    """Prepares an image and counts how often."""

    def __init__(self):
        self.count = 0

    def __call__(self, image):
        self.count += 1
        return image.convert("RGB")


def colours(number):
    return [(i, 255 - i, 7) for i in range(number)]


@pytest.fixture
def images(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(6)]
    for path, colour in zip(paths, colours(6), strict=True):
        Image.new("RGB", (20, 10), colour).save(path)
    return paths


def asked(paths):
    return [
        Question(i, "?", path, (), "all", f"f, item {i}")
        for i, path in enumerate(paths)
    ]


@pytest.mark.parametrize("workers, size", [(0, 1), (0, 4), (0, 100), (2, 4)])
def test_every_question_gets_its_image_in_order(images, workers, size):
    questions = asked(images * 3)
    with ImageLoader(as_rgb_or_none, workers) as loader:
        batches = list(loader.batches(questions, size))
    assert [q for batch, _ in batches for q in batch] == questions
    assert all(len(batch) <= size for batch, _ in batches)
    seen = [loaded.image.getpixel((0, 0)) for _, part in batches for loaded in part]
    assert seen == colours(6) * 3


def as_rgb_or_none(image):
    return image and as_rgb(image)


@pytest.mark.parametrize("kept, times", [(6, 6), (2, 18), (0, 18)])
def test_an_image_is_prepared_once_as_long_as_memory_allows(images, kept, times):
    prepare = Counting()
    with ImageLoader(prepare, memory=kept * 600) as loader:
        list(loader.batches(asked(images * 3), 2))
    assert prepare.count == times
    with ImageLoader(prepare := Counting(), memory=600) as loader:
        list(loader.batches(asked([x for x in images for _ in range(3)]), 3))
    assert prepare.count == 6, "questions about one image stand together"


def test_problems_name_the_question_they_belong_to(images):
    images[1].write_bytes(images[1].read_bytes()[:50])
    with ImageLoader(as_rgb_or_none) as loader:
        _, loaded = next(loader.batches(asked([images[1]] * 2), 2))
    assert [one.problem.split(":")[0] for one in loaded] == ["f, item 0", "f, item 1"]
    images[1].unlink()
    with (
        pytest.raises(FileNotFoundError, match=r"f, item 0: field 'image', .* missing"),
        ImageLoader(as_rgb_or_none) as loader,
    ):
        list(loader.batches(asked([images[1]]), 2))


def test_a_name_that_no_disk_takes_is_an_unreadable_image(tmp_path):
    with ImageLoader(as_rgb_or_none) as loader:
        _, (loaded,) = next(loader.batches(asked([tmp_path / ("x" * 5000)]), 1))
    assert loaded.image is None and len(loaded.problem) < 500
    assert "f, item 0: field 'image', " in loaded.problem


def test_a_vlms_pixels_are_those_it_would_make_itself(make_vlm, images):
    vlm = make_vlm(PoolConfig(), 1)
    with ImageLoader(preparation(vlm)) as loader:
        _, loaded = next(loader.batches(asked(images), 6))
    pixels = torch.cat([torch.from_numpy(one.image) for one in loaded])
    assert torch.equal(pixels, to_pixels(images, 24, vlm.vision.padding))
    assert torch.equal(vlm.vision.prepare(pixels), vlm.vision.prepare(images))
    empty = preparation(vlm)(None)
    assert empty.shape == (1, 3, 24, 24) and len(set(empty[0, 0].flatten())) == 1


def test_images_are_prepared_here_until_a_worker_runs(images):
    """Nobody waits for processes to start, and without questions none does."""
    with ImageLoader(as_rgb_or_none, 1) as loader:
        assert list(loader.batches([], 1)) == [] and loader._started is None
        [*loader.batches(asked(images[:1]), 1)]
        assert not loader._started.done()
        loader._started.result()
        (_, (loaded,)), *_ = loader.batches(asked(images[1:2]), 1)
    assert loaded.image.getpixel((0, 0)) == colours(2)[1]


def test_a_worker_leaves_interrupts_alone_and_its_end_is_a_sentence(images):
    with ImageLoader(as_rgb_or_none, 1) as loader:
        [*loader.batches(asked(images[:1]), 1)]
        os.kill(worker := loader._started.result(), signal.SIGINT)
        [*loader.batches(asked(images[1:2]), 1)]
        loader._kept.clear()
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(ChildProcessError, match="run it again with fewer workers"):
            for _ in range(10_000):
                [*loader.batches(asked(images[1:2]), 1)]
                loader._kept.clear()


ORPHANS = """
import os, signal
from vlmcore.evaluation.image_loading import ImageLoader, rgb_or_none
from vlmcore.data.benchmarks.question import Question
if __name__ == "__main__":
    with ImageLoader(rgb_or_none, 1) as loader:
        [*loader.batches([Question(1, "?", None, (), "", "")], 1)]
        print(loader._started.result(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_ends_with_the_process_it_works_for(tmp_path):
    (tmp_path / "killed.py").write_text(ORPHANS)
    command = [sys.executable, tmp_path / "killed.py"]
    killed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    # the process that inherits the worker may not reap it
    state = Path(f"/proc/{killed.stdout.strip()}/stat")
    for _ in range(600):
        if not state.exists() or state.read_text().split()[2] == "Z":
            return
        time.sleep(0.1)
    pytest.fail("the worker is left behind")


def test_workers_import_no_models():
    """It would take them seconds each."""
    code = (
        "import sys, vlmcore.evaluation.image_loading; "
        "sys.exit('transformers' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
