"""Runs `vlmcore` as one of several processes, of which the last one may be killed.

    torchrun --no-python python -m tests.evaluation.ranks BATCHES evaluate ...

It is killed when it has written so many batches; 0 spares it.
"""

import os
import sys

from tests.evaluation.killed_twice import die_behind
from vlmcore.cli import app

if __name__ == "__main__":
    batches = int(sys.argv.pop(1))
    if batches and int(os.environ["RANK"]) == int(os.environ["WORLD_SIZE"]) - 1:
        die_behind(batches)
    app()
