"""Prepares the images of questions: each once, and ahead of the model.

Questions about one image stand together or come back later, as in POPE's three splits:
what was prepared is kept as long as a limit of memory allows. With workers, processes
prepare the images of the next batches while the model answers; the first ones are
prepared here, while the processes start.
"""

import base64
import os
import re
import signal
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache, partial
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image

from vlmcore.config.validation import whole
from vlmcore.data.benchmarks.question import Question
from vlmcore.fingerprint import fingerprint
from vlmcore.models.images import UnreadableImageError, as_rgb, read_image, to_pixels

_AHEAD = 2
"""Batches that workers prepare ahead of the model."""
_BASE64, _SHOWN = "its base64", 300

Source = Path | str | None
Prepare = Callable[[Image.Image | None], Any]


class Loaded(NamedTuple):
    """An image as a model takes it."""

    mark: str
    """Fingerprint of the file, or of its base64."""
    image: Any
    """None if it is unreadable."""
    problem: str = ""
    """The reason why it is unreadable."""


def preparation(model: Any) -> Prepare:
    """Returns the function that prepares an image for a model; processes can run it.

    A VLM of this package takes square pixels, any other model RGB images of 8 bits.
    """
    # each worker imports this module, and would take seconds to import the models
    from vlmcore.models.vlm import VLM

    if isinstance(model, VLM):
        size = model.vision.model.config.image_size
        return partial(square_pixels, size=size, padding=model.vision.padding)
    return rgb_or_none


def square_pixels(
    image: Image.Image | None, size: int, padding: tuple[int, ...]
) -> np.ndarray:
    """Pixels of an image, float (1, 3, size, size); without one, of the padding."""
    empty = Image.new("RGB", (1, 1), padding)
    return to_pixels(image or empty, size, padding).numpy()


def rgb_or_none(image: Image.Image | None) -> Image.Image | None:
    """The image in RGB of 8 bits, None without one."""
    return None if image is None else as_rgb(image)


def open_image(question: Question) -> Image.Image | None:
    """Opens the image of a question; None for a question about text.

    Raises:
        FileNotFoundError: the file is missing.
        UnreadableImageError: it cannot be decoded.
    """
    return _opened(question.image, f"{question.where}: ")


def _opened(source: Source, where: str) -> Image.Image | None:
    if source is None:
        return None
    shown = str(source)[:_SHOWN] if isinstance(source, Path) else _BASE64
    name = f"{where}field 'image', {shown},"
    if isinstance(source, Path):
        return read_image(source, name)
    try:
        packed = _from_base64(source)
    except ValueError as error:
        raise UnreadableImageError(f"{name} cannot be decoded ({error})") from error
    return read_image(packed, name)


def _from_base64(text: str) -> bytes:
    """Bytes of base64 with line breaks, without padding, for addresses or in one."""
    text = "".join(re.sub(r"^data:[^,]*,", "", text).split()).rstrip("=")
    standard = text.replace("-", "+").replace("_", "/")
    return base64.b64decode(standard + "=" * (-len(text) % 4), validate=True)


def mark(source: Source) -> str:
    """The fingerprint of an image's file, or of its base64."""
    if not isinstance(source, Path):
        return fingerprint(source)
    try:
        state = source.stat() if source.is_file() else None
    except OSError:  # such as a name that is too long
        state = None
    if state is None:
        return fingerprint(str(source))
    return _mark_of_file(source, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=1 << 17)
def _mark_of_file(path: Path, *_: int) -> str:
    return fingerprint(path.read_bytes())


def load(prepare: Prepare, source: Source) -> Loaded:
    """Opens and prepares an image.

    Raises:
        FileNotFoundError: the file is missing.
    """
    try:
        return Loaded(mark(source), prepare(_opened(source, "")))
    except UnreadableImageError as error:
        return Loaded(mark(source), None, str(error))


def _begin_work() -> None:
    """Lets a worker compute in one thread, and end with the process it works for."""
    torch.set_num_threads(1)
    Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    if parent := parent_process():
        wait([parent.sentinel])
        os._exit(1)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Processes that start here leave it to this one to react to Ctrl-C."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # only the main thread may
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class ImageLoader:
    """Loads the images of batches of questions, each image once if memory allows.

    It is a context manager, which ends the workers.

    Args:
        prepare: from an image to what a model takes.
        workers: processes; at 0 images are prepared when they are needed.
        memory: bytes of prepared images that are kept.
    """

    def __init__(self, prepare: Prepare, workers: int = 0, memory: int = 1 << 30):
        self.workers, self.memory = whole("workers", workers, 0), memory
        self.load = partial(load, prepare)
        self.waited = 0.0
        """Seconds that the model had to wait for images."""
        self._kept: OrderedDict[Source, Future[Loaded]] = OrderedDict()
        self._sizes: dict[Source, int] = {}
        self._pool: Executor | None = None
        self._started: Future[int] | None = None
        """Done as soon as a worker runs."""

    def __enter__(self) -> "ImageLoader":
        if self.workers:
            # a forked process would share the locks of torch's threads
            self._pool = ProcessPoolExecutor(
                self.workers, get_context("spawn"), initializer=_begin_work
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def batches(
        self, questions: Iterable[Question], size: int
    ) -> Iterator[tuple[list[Question], list[Loaded]]]:
        """Yields the questions in their order, with their images.

        Raises:
            ChildProcessError: a worker was ended from outside.
            FileNotFoundError: an image is missing.
        """
        try:
            yield from self._batches(iter(questions), size)
        except BrokenProcessPool as error:
            raise ChildProcessError(
                "a process that prepares images has ended, for want of memory or in a "
                'script without the guard `if __name__ == "__main__":`; run it again '
                "with fewer workers, or with 0"
            ) from error

    def _batches(
        self, questions: Iterator[Question], size: int
    ) -> Iterator[tuple[list[Question], list[Loaded]]]:
        waiting = deque[tuple[list, list]]()
        ahead = _AHEAD if self._pool else 0
        while batch := list(islice(questions, size)):
            waiting.append((batch, [self._start(q.image) for q in batch]))
            if len(waiting) > ahead:
                yield self._finish(*waiting.popleft())
        while waiting:
            yield self._finish(*waiting.popleft())

    def _start(self, source: Source) -> Future[Loaded]:
        if source in self._kept:
            self._kept.move_to_end(source)
        elif self._pool and self._runs(self._pool):
            with _interrupts_ignored():
                self._kept[source] = self._pool.submit(self.load, source)
        else:
            self._kept[source] = self._loaded_here(source)
        return self._kept[source]

    def _runs(self, pool: Executor) -> bool:
        """Whether a worker runs; the first one starts when this is asked first."""
        if self._started is None:
            with _interrupts_ignored():
                self._started = pool.submit(os.getpid)
        return self._started.done()

    def _loaded_here(self, source: Source) -> Future[Loaded]:
        start, future = time.perf_counter(), Future[Loaded]()
        try:
            future.set_result(self.load(source))
        except FileNotFoundError as error:
            future.set_exception(error)
        self.waited += time.perf_counter() - start
        return future

    def _finish(
        self, batch: list[Question], futures: list[Future[Loaded]]
    ) -> tuple[list[Question], list[Loaded]]:
        start, found = time.perf_counter(), []
        for question, future in zip(batch, futures, strict=True):
            try:
                loaded = future.result()
            except FileNotFoundError as error:
                raise FileNotFoundError(f"{question.where}: {error}") from error
            if question.image in self._kept:
                self._sizes[question.image] = _size(loaded.image)
            problem = loaded.problem and f"{question.where}: {loaded.problem}"
            found.append(loaded._replace(problem=problem))
        self.waited += time.perf_counter() - start
        while sum(self._sizes.values()) > self.memory and len(self._kept) > 1:
            oldest, _ = self._kept.popitem(last=False)
            self._sizes.pop(oldest, None)
        return batch, found


def _size(image: Any) -> int:
    if isinstance(image, np.ndarray):
        return image.nbytes
    if isinstance(image, Image.Image):
        return 3 * image.width * image.height
    return 0
