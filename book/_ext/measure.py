"""Records what a chapter takes on this machine, for the badge line at its top.

python book/_ext/measure.py book/anatomy/04_one_token_vlm.ipynb
"""

import resource
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from vlmcore.files import write_json


def measure(path: Path) -> dict[str, float | int | str]:
    """Executes a chapter: minutes, and peak memory of its process in GB."""
    started = time.perf_counter()
    NotebookClient(
        nbformat.read(path, 4),
        timeout=3600,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    minutes = (time.perf_counter() - started) / 60
    memory = (
        resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    )  # ru_maxrss is in KiB on Linux
    return {
        "chapter": path.stem,
        "minutes": round(minutes, 2),
        "memory_gb": round(memory, 2),
        "cores": 2,
    }


if __name__ == "__main__":
    chapter = Path(sys.argv[1])
    record = measure(chapter)
    write_json(Path("book/results/chapters") / f"{chapter.stem}.json", record)
    print(record)
