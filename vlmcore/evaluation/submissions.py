"""Files of answers for the servers of VQAv2, VizWiz and MMBench.

The servers keep the right answers of the test sets to themselves.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pandas as pd

from vlmcore.config.validation import as_path
from vlmcore.data.benchmarks.joining import join
from vlmcore.data.benchmarks.llava import Answer
from vlmcore.data.benchmarks.question import OPTION_LETTERS, Question
from vlmcore.evaluation.benchmarks import Benchmark, check_benchmark
from vlmcore.evaluation.vqa_text import evalai
from vlmcore.files import beside, refuse_existing

_Pairs = Iterator[tuple[Question, Answer]]


def write_submission(benchmark: Benchmark, answers: str | Path, to: str | Path) -> None:
    """Writes the file that a server takes.

    That is JSON for VQAv2 and VizWiz, with answers normalised as LLaVA does, and a
    spreadsheet for MMBench. The answer to an image that could not be decoded is empty.

    Args:
        benchmark: its questions.
        answers: file of the answers.
        to: file to write; it appears complete or not at all.

    Raises:
        ValueError: the benchmark has no server, a question has no answer or two, or
            there is a file of this name.
        ModuleNotFoundError: pandas needs openpyxl for a spreadsheet; the message says
            how to get it.
    """
    check_benchmark(benchmark)
    to = as_path("to", to)
    if benchmark.rule not in _WRITERS:
        raise ValueError(
            f"{benchmark.rule} is scored here; submissions are for "
            f"{', '.join(_WRITERS)}"
        )
    refuse_existing(Path(to))
    with beside(to) as path:
        _WRITERS[benchmark.rule](
            join(benchmark.questions(), benchmark.answers(answers)), path
        )


def _write_json(key: str, pairs: _Pairs, path: Path) -> None:
    entries = [
        {key: question.id, "answer": evalai(answer.text)} for question, answer in pairs
    ]
    path.write_text(json.dumps(entries), encoding="utf-8")


def _write_spreadsheet(pairs: _Pairs, path: Path) -> None:
    try:
        import openpyxl  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "MMBench's server takes a spreadsheet, for which pandas needs: pip "
            "install openpyxl"
        ) from error
    rows = []
    for question, answer in pairs:
        options = dict(
            zip(OPTION_LETTERS[:4], [*question.options, None, None], strict=False)
        )
        rows.append(
            {
                "index": question.id,
                "question": question.question,
                **options,
                "prediction": answer.text,
            }
        )
    pd.DataFrame(rows).to_excel(path, index=False)


SUBMITTED = {
    "mmbench": ".xlsx",
    "vizwiz": ".json",
    "vqav2": ".json",
    "vqav2_official": ".json",
}
"""Rules of benchmarks with a server, and the kind of file that it takes."""
_WRITERS: dict[str, Callable[[_Pairs, Path], None]] = {
    "vqav2": partial(_write_json, "question_id"),
    "vqav2_official": partial(_write_json, "question_id"),
    "vizwiz": partial(_write_json, "image"),
    "mmbench": _write_spreadsheet,
}
