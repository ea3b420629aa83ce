"""One evaluation by several processes, such as one for each GPU.

Each asks its share of the questions and writes a file of its own. The last one to
finish, or an evaluation without a share, goes on from all their answers.

    torchrun --nproc-per-node 4 -m vlmcore evaluate MODEL pope --share auto
"""

import os
import re
from dataclasses import replace
from itertools import islice
from pathlib import Path

from vlmcore.data.benchmarks.llava import Answer, append_answers, read_answers
from vlmcore.evaluation.benchmarks import Benchmark

_CHUNK = 1024


def share_of(benchmark: Benchmark, number: int, count: int) -> Benchmark:
    """Every `count`-th question, from the `number`-th on; both count from 1."""
    return replace(
        benchmark,
        questions=lambda: islice(benchmark.questions(), number - 1, None, count),
    )


def parse_share(text: str) -> tuple[int, int]:
    """Reads a share such as 2/4; `auto` is that of a process of several.

    Raises:
        ValueError: it is none, or `accelerate launch` or `torchrun` did not start this
            process.
    """
    if text == "auto":
        if not {"RANK", "WORLD_SIZE"} <= os.environ.keys():
            raise ValueError(
                "the share auto is for processes of `accelerate launch` or `torchrun`; "
                "give one such as 2/4"
            )
        rank, of_all = os.environ["RANK"], os.environ["WORLD_SIZE"]
        text = f"{int(rank) + 1 if rank.isdecimal() else rank}/{of_all}"
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    number, count = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= count:
        raise ValueError(f"{text!r} is no share; give one such as 2/4")
    return number, count


def share_file(answers: Path, number: int, count: int) -> Path:
    """The file of a share's answers, beside that of all."""
    return answers.with_suffix(f".share{number}of{count}.jsonl")


def gather(benchmark: Benchmark, answers: Path) -> None:
    """Writes the answers of all shares in the order of the questions.

    A file with answers stays as it is. The new one ends before the first question that
    no share has answered.
    """
    known = _of_all_shares(answers)
    if not known or (answers.exists() and answers.stat().st_size):
        return
    found: list[Answer] = []
    for question in benchmark.questions():
        if question.id not in known:
            break
        found.append(known[question.id])
    for start in range(0, len(found), _CHUNK):
        append_answers(answers, found[start : start + _CHUNK])


def all_answered(benchmark: Benchmark, answers: Path) -> bool:
    """Whether the shares together have answered every question."""
    known = _of_all_shares(answers)
    return all(question.id in known for question in benchmark.questions())


def _of_all_shares(answers: Path) -> dict[int | str, Answer]:
    return {
        answer.id: answer
        for file in sorted(answers.parent.glob(f"{answers.stem}.share*.jsonl"))
        for answer in read_answers(file, unfinished=True)
    }
