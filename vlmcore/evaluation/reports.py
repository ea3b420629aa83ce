"""A model's result on a benchmark as one JSON, and a table of several models.

`evaluate_to_folder` asks, scores and writes; `comparison` sets the results of models
that answered the same questions beside each other, pair by pair.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from filelock import FileLock

from vlmcore.evaluation.benchmarks import Benchmark, ask, points, score
from vlmcore.evaluation.scores import Score
from vlmcore.evaluation.settings import Settings
from vlmcore.evaluation.shares import (
    all_answered,
    gather,
    parse_share,
    share_file,
    share_of,
)
from vlmcore.evaluation.submissions import SUBMITTED, write_submission
from vlmcore.evaluation.uncertainty import paired_bootstrap
from vlmcore.files import make_folder, read_json, write_json
from vlmcore.fingerprint import versions

_LEVEL, _Z = 0.95, 1.959964


def evaluate_to_folder(
    model: Any, name: str, settings: Settings, out: Path, share: str = "1/1", **how: Any
) -> dict[str, Any]:
    """Asks a model, scores its answers and writes both, and a file for a server.

    Records of the benchmark's files that cannot be used are left out; the result counts
    them and names the first. So it does with images that cannot be decoded.

    Args:
        model: as for `ask`.
        name: of the model, and of its folder.
        settings: what is asked.
        out: folder; the results go to a folder of the model in it. An interrupted run
            resumes.
        share: of the questions, such as 2/4 or `auto`, for one of several processes.
            The last of them to finish scores, or a run without a share, which starts
            from the answers of all shares.
        **how: `batch_size`, `workers` and `progress` of `ask`.

    Returns:
        The result, as in its JSON file; of a share that is not the last, only what was
        asked.

    Raises:
        FileNotFoundError: a file of the benchmark or an image is missing.
        ValueError: a file of the benchmark is no JSON or table, or none of its records
            can be used; or as for `ask` and `score`.
    """
    benchmark, folder = settings.questions(), out / name.replace("/", "--")
    make_folder(folder)
    answers = folder / f"{settings.name}.jsonl"
    how |= {"model": name, "max_new_tokens": settings.max_new_tokens}
    number, count = parse_share(share)
    if count == 1:
        return _finished(model, settings, benchmark, answers, how)
    part, file = share_of(benchmark, number, count), share_file(answers, number, count)
    run = _asked(model, part, file, how)
    with FileLock(folder / f".{answers.stem}.lock"):  # two may finish at once
        if all_answered(benchmark, answers):
            return _finished(model, settings, benchmark, answers, how)
    return {"model": name, **asdict(settings), "share": share, "run": run}


def _asked(
    model: Any, benchmark: Benchmark, answers: Path, how: dict[str, Any]
) -> dict[str, Any]:
    start = time.monotonic()
    asked = ask(model, benchmark, answers, **how)
    return {"asked": asked, "seconds": round(time.monotonic() - start, 1)}


def _finished(
    model: Any,
    settings: Settings,
    benchmark: Benchmark,
    answers: Path,
    how: dict[str, Any],
) -> dict[str, Any]:
    """Asks what no share has answered, scores, and writes the result."""
    rule = f"-{settings.rule}" if settings.rule else ""
    path = answers.with_name(f"{settings.name}{rule}.json")
    gather(benchmark, answers)
    run = _asked(model, benchmark, answers, how)
    if not run["asked"] and path.exists():
        run = _read_result(path)["run"]
    result = {"model": how["model"], **asdict(settings), "answers": answers.name}
    result["skipped"] = asdict(benchmark.skipped())
    if all(question.answers for question in benchmark.questions()):
        result |= _scored(benchmark, answers)
    if benchmark.rule in SUBMITTED and not settings.limit:
        result["submission"] = _submitted(benchmark, answers)
    result |= {"run": run, "versions": versions()}
    write_json(path, result)
    return result


def _submitted(benchmark: Benchmark, answers: Path) -> str:
    name = f"submission-{answers.stem}{SUBMITTED[benchmark.rule]}"
    if not (answers.parent / name).exists():
        write_submission(benchmark, answers, answers.parent / name)
    return name


def _scored(benchmark: Benchmark, answers: Path) -> dict[str, Any]:
    found = score(benchmark, answers)
    return {
        "rule": benchmark.rule,
        **_fields(found.headline),
        "level": _LEVEL,
        "scores": {name: _nested(part) for name, part in found.scores.items()},
        "unreadable": {"count": len(found.unreadable), "first": found.unreadable[:20]},
    }


def _nested(part: Any) -> dict[str, Any]:
    if isinstance(part, Score):
        return _fields(part)
    return {name: _fields(one) for name, one in part._asdict().items()}


def _fields(one: Score) -> dict[str, Any]:
    """A score with the ends of its interval; a number that is not defined is null."""
    half = _Z * one.standard_error
    ends = [one.value - half, one.value + half]
    numbers = {"score": one.value, **one._asdict(), "interval": ends}
    del numbers["value"]
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in numbers.items()
        if name != "interval" or not math.isnan(half)
    }


def comparison(paths: Sequence[Path]) -> str:
    """A Markdown table of results on the same questions.

    The first model is compared with each of the others: the difference of the mean
    points an answer, with a 95 % interval of resampled images or groups. *Left out* are
    records that could not be used, and questions whose image could not be decoded.

    Args:
        paths: JSON files of `evaluate_to_folder`.

    Raises:
        FileNotFoundError: a result or its file of answers is missing.
        ValueError: they are of different questions, or a file is no result or has no
            score.
    """
    results = [_read_result(Path(path)) for path in paths]
    rows = [
        "| model | images | score | 95 % | chance | parseable | count | left out | "
        "points, first − this |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    first: dict[Any, float] | None = None
    for path, result in zip(paths, results, strict=True):
        same = ("benchmark", "limit", "rule")
        if any(result[name] != results[0][name] for name in same):
            raise ValueError(
                f"{path} is not of the same questions and rule as {paths[0]}; compare "
                "results of one benchmark"
            )
        benchmark = Settings.of(result).questions()
        worth = points(benchmark, _answers_of(Path(path), result))
        first = worth if first is None else first
        rows.append(_row(result, _difference(benchmark, first, worth)))
    title = f"**{results[0]['benchmark']}**, rule {results[0]['rule']}"
    return "\n".join([title, "", *rows])


def _read_result(path: Path) -> dict[str, Any]:
    hint = "give JSON files of `vlmcore evaluate`"
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; {hint}")
    result = read_json(path)
    needed = {"model", "answers", "run"} | {field.name for field in fields(Settings)}
    if not isinstance(result, dict) or not needed <= result.keys():
        raise ValueError(f"{path} is no result; {hint}, or move it away")
    return result


def _answers_of(path: Path, result: dict[str, Any]) -> Path:
    """The file of a result's answers, which must be there and have a score."""
    answers = path.parent / result["answers"]
    if "score" not in result:
        raise ValueError(f"{path} has no score, since only a server has the answers")
    if not answers.is_file():
        raise FileNotFoundError(
            f"{answers} is missing, which has the answers of {path.name}; evaluate the "
            "model again"
        )
    return answers


def _row(result: dict[str, Any], difference: str) -> str:
    low, high = result.get("interval", [math.nan, math.nan])
    shown = 1 if result["score"] > 1 else 3
    return (
        f"| {result['model']} | {result['images']} | {result['score']:.{shown}f} | "
        f"{low:.{shown}f} to {high:.{shown}f} | {result['chance']:.{shown}f} | "
        f"{result['parseable']:.3f} | {result['count']} | {_left_out(result)} | "
        f"{difference} |"
    )


def _left_out(result: dict[str, Any]) -> str:
    """Records that could not be used, and questions without a readable image."""
    counts = {
        "records": result.get("skipped", {"count": 0})["count"],
        "images": result["unreadable"]["count"],
    }
    return ", ".join(f"{n} {name}" for name, n in counts.items() if n) or "0"


def _difference(benchmark: Benchmark, first: dict, worth: dict) -> str:
    if worth is first:
        return ""
    both = [q for q in benchmark.questions() if q.id in first and q.id in worth]
    gap = paired_bootstrap(
        [first[q.id] for q in both],
        [worth[q.id] for q in both],
        [q.group if q.group is not None else q.id for q in both],
    )
    return f"{gap.value:+.3f} ({gap.low:+.3f} to {gap.high:+.3f})"
