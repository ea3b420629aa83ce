"""Builds the book: executes what has changed, several chapters at a time, then pages.

python book/_ext/build.py

The outputs go where jupyter-book looks for them. A chapter that fails does not keep the
others from being executed and shown: its page ends in the error, and the failure is
named at the end. What a chapter depends on is in `depends`.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np
from depends import ROOT, code_of, key
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution

BUILD = ROOT / "_build"
KEYS = BUILD / "executed.json"
"""The key of each chapter that was executed without an error."""
PROBE_SECONDS = 0.6
"""The speed probe on the machine where the times in `book/results/chapters` were
recorded."""
SHORTEST = 300
"""Seconds that a cell may always take on that machine."""


class Outcome(NamedTuple):
    """An executed chapter."""

    chapter: Path
    notebook: nbformat.NotebookNode
    seconds: float
    error: str
    """The last line of the error, empty if there was none."""


def chapters() -> list[Path]:
    """The notebooks of the table of contents that are executed, in its order."""
    toc = (ROOT / "_toc.yml").read_text()
    pages = [
        ROOT / f"{name}.ipynb" for name in re.findall(r"(?:file|root): (\S+)", toc)
    ]
    return [page for page in pages if page.exists() and is_executed(page)]


def is_executed(page: Path) -> bool:
    """Whether a notebook has code and does not refuse to be executed."""
    mode = nbformat.read(page, nbformat.NO_CONVERT).metadata.get("mystnb", {})
    return bool(code_of(page).strip()) and mode.get("execution_mode") != "off"


def stale(pages: Iterable[Path]) -> dict[Path, str]:
    """The keys of the chapters whose outputs are missing or no longer hold."""
    done = json.loads(KEYS.read_text()) if KEYS.exists() else {}
    keys = {page: key(page) for page in pages}
    return {page: k for page, k in keys.items() if done.get(_name(page)) != k}


def chains(pages: Iterable[Path]) -> list[list[Path]]:
    """Groups of chapters that follow each other, those of the longest first.

    Chapters that keep files of their own under `_build/chapters` with others follow
    them.
    """
    groups: dict[str, list[Path]] = defaultdict(list)
    for page in pages:
        shared = re.search(r"_build/chapters/([\w-]+)", code_of(page))
        groups[shared[1] if shared else _name(page)].append(page)
    return sorted(
        groups.values(), key=lambda group: -sum(recorded_seconds(p) for p in group)
    )


def recorded_seconds(page: Path) -> float:
    """The recorded time of a chapter, 0 where there is none."""
    record = ROOT / "book" / "results" / "chapters" / f"{page.stem}.json"
    return 60 * json.loads(record.read_text())["minutes"] if record.exists() else 0.0


def slowness() -> float:
    """How much longer a product of matrices takes than on the recording machine."""
    matrix = np.random.default_rng(0).random((1500, 1500))
    started = time.perf_counter()
    for _ in range(3):
        matrix @ matrix
    return max(1.0, (time.perf_counter() - started) / PROBE_SECONDS)


def execute(chain: list[Path], slow: float) -> list[Outcome]:
    """Executes chapters one after the other, each in its own kernel."""
    outcomes = []
    for page in chain:
        notebook = nbformat.read(page, nbformat.NO_CONVERT)
        timeout = round(slow * (SHORTEST + 4 * recorded_seconds(page)))
        found = single_nb_execution(notebook, str(page.parent), timeout, False)
        error = _last_line(str(found.err)) if found.err else ""
        outcomes.append(Outcome(page, found.nb, found.time, error))
    return outcomes


def execute_stale(workers: int) -> list[Outcome]:
    """Executes what is stale, keeps the outputs, and returns what failed."""
    pages, failed = chapters(), list[Outcome]()
    store, slow = get_cache(str(BUILD / ".jupyter_cache")), slowness()
    todo = stale(pages)
    keep_under_new_captions(store, [page for page in pages if page not in todo])
    done = json.loads(KEYS.read_text()) if KEYS.exists() else {}
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        running = [pool.submit(execute, chain, slow) for chain in chains(todo)]
        for outcome in (o for future in as_completed(running) for o in future.result()):
            name = _name(outcome.chapter)
            _keep(store, outcome)
            print(_describe(outcome), flush=True)
            done[name] = None if outcome.error else todo[outcome.chapter]
            KEYS.write_text(json.dumps(done, indent=1))
            failed += [outcome] if outcome.error else []
    return failed


def keep_under_new_captions(store, pages: list[Path]) -> None:
    """Stores the outputs of chapters again of which only cells' metadata changed.

    jupyter-cache takes a caption for code: the build would execute the chapter anew,
    after all others and one cell after the other.
    """
    records = {record.uri: record for record in store.list_cache_records()}
    for page in pages:
        notebook = nbformat.read(page, nbformat.NO_CONVERT)
        try:
            store.match_cache_notebook(notebook)
        except KeyError:
            record = records[str(page)]  # `_keep` leaves one of a chapter
            kept = store.get_cache_bundle(record.pk).nb.cells
            cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
            for cell, old in zip(cells, kept, strict=True):
                cell.outputs, cell.execution_count = old.outputs, old.execution_count
            seconds = record.data.get("execution_seconds", 0.0)
            _keep(store, Outcome(page, notebook, seconds, ""))


def main() -> int:
    """Builds everything; the exit status says whether all is well."""
    cores = workers = os.cpu_count() or 1
    os.environ["OMP_NUM_THREADS"] = str(max(1, cores // workers))
    failed = execute_stale(workers)
    book = Path(sys.executable).with_name("jupyter-book")
    command = [book, "build", "-W", "-n", "--keep-going", ROOT]
    status = subprocess.run(command).returncode
    for outcome in failed:
        page = BUILD / "html" / Path(_name(outcome.chapter)).with_suffix(".html")
        print(f"{_describe(outcome)}\n  see the end of {page}", file=sys.stderr)
    return status or len(failed)


def _keep(store, outcome: Outcome) -> None:
    """Puts outputs where the build looks for them, and has the page made anew.

    Those that the chapter had before go: under an old caption they would match again.
    """
    for record in store.list_cache_records():
        if record.uri == str(outcome.chapter):
            store.remove_cache(record.pk)
    bundle = CacheBundleIn(
        outcome.notebook,
        str(outcome.chapter),
        data={"execution_seconds": outcome.seconds},
    )
    store.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    doctree = BUILD / ".doctrees" / Path(_name(outcome.chapter)).with_suffix(".doctree")
    doctree.unlink(missing_ok=True)


def _describe(outcome: Outcome) -> str:
    state = f"FAILED: {outcome.error}" if outcome.error else "executed"
    return f"{_name(outcome.chapter)} {state} in {outcome.seconds:.0f} s"


def _last_line(traceback: str) -> str:
    """The error itself, without the colours of a terminal."""
    return re.sub(r"\x1b\[[\d;]*m", "", traceback).strip().splitlines()[-1]


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


if __name__ == "__main__":
    sys.exit(main())
