"""The ledger: every headline number of the book, recomputed from result files and CSV files each time it is asked for.

    vlmcore report           # a table
    vlmcore report --json    # a list of objects

No number is typed in here, and torch is not imported. A number that has no result yet
is left out; a part that does not exist is null.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy import stats

from vlmcore import paper
from vlmcore.cost import paper_flops
from vlmcore.experiments.analysis import ablation
from vlmcore.experiments.analysis.comparison import Comparison, Estimate
from vlmcore.experiments.analysis.preregistered import numbers as grid_numbers
from vlmcore.experiments.analysis.scaling_grid import Grid
from vlmcore.experiments.analysis.seeds import over_seeds
from vlmcore.files import read_results
from vlmcore.paper.refit import numbers
from vlmcore.scaling import frontier

RESULTS = Path(__file__).parents[3] / "book" / "results"
LEVEL = 0.95


@dataclass(frozen=True)
class Entry:
    """One number of the ledger."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    level: float | None = None
    interval: str | None = None
    """How `low` and `high` were found."""
    count: int | None = None
    """Questions, images or points that the value rests on, over all seeds."""
    command: str | None = None
    source: str | None = None


def ledger(results: Path = RESULTS) -> list[Entry]:
    """Every number that the results in a folder carry."""
    trained = [
        *_easyvqa(results / "easyvqa"),
        *_race(results / "comparison"),
        *_grid(results),
        *_real(results / "real"),
    ]
    return [
        *_published(),
        *_coverage(results / "laws"),
        *_encoder(results / "encoder"),
        *trained,
    ]


def wilson_interval(
    right: int, count: int, level: float = LEVEL
) -> tuple[float, float]:
    """Wilson's interval of a binomial share."""
    found = stats.binomtest(right, count).proportion_ci(level, method="wilson")
    return float(found.low), float(found.high)


def _published() -> Iterator[Entry]:
    """What the paper's 28 points say: by themselves, how many tokens are on the frontier at Q; and by the laws fitted to them."""
    scores = paper.scores("visual")
    for q in (0, 50):
        flops = [
            paper_flops(n, q, v)
            for n, v in zip(scores["params"], scores["visual_tokens"], strict=True)
        ]
        best = scores.iloc[frontier(flops, scores["error"])]
        below = best[best["params"] < best["params"].max()]
        yield Entry(
            f"published.visual.q{q}.frontier_tokens_below_largest_model",
            int(below["visual_tokens"].max()),
            count=len(scores),
            command="vlmcore report",
            source="vlmcore/paper/scores_visual.csv",
        )
    for number in numbers():
        yield Entry(
            f"published.{number.name}",
            *number[1:],
            command="vlmcore report",
            source="vlmcore/paper",
        )


def _coverage(folder: Path) -> Iterator[Entry]:
    """How often intervals of alpha / beta, and of a prediction, hold the truth of planted laws."""
    for result in _read(folder):
        for row in result["coverage"]:
            if row["quantity"] in ("ratio", "prediction"):
                name = f"coverage.{result['name']}.{row['quantity']}.{row['method'].replace(' ', '_')}"
                yield _share(
                    name,
                    row["share"],
                    row["low"],
                    row["high"],
                    "Wilson",
                    row["simulations"],
                    result["command"],
                    folder,
                )


def _encoder(folder: Path) -> Iterator[Entry]:
    for result in _read(folder):
        for features, share in result["probe"].items():
            low, high = wilson_interval(share["right"], share["count"])
            name = f"encoder.{result['name']}.probe.{features}.accuracy"
            yield _share(
                name,
                share["right"] / share["count"],
                low,
                high,
                "Wilson",
                share["count"],
                result["command"],
                folder,
            )


def _easyvqa(folder: Path) -> Iterator[Entry]:
    by_model: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for result in _read(folder):
        by_model[result["name"].rsplit(".seed", 1)[0]].append(result)
    for model, runs in by_model.items():
        name = f"easyvqa.{model.removesuffix('.v0')}"
        if model == "question_only":
            test = runs[0]["scores"]["test"]["all"]
            low, high = wilson_interval(
                round(test["value"] * test["count"]), test["count"]
            )
            yield _share(
                f"{name}.accuracy",
                test["value"],
                low,
                high,
                "Wilson",
                test["count"],
                runs[0]["command"],
                folder,
            )
        else:
            yield from _over_seeds(name, runs, folder)


def _race(folder: Path) -> Iterator[Entry]:
    """Every method of the race, and by pairs what QueCC gains over TokenPacker with as many tokens."""
    if not folder.exists():
        return
    race = Comparison(folder)
    for (task, method, v), runs in race.runs.items():
        command = next(iter(runs.values()))["command"]
        yield _crossed(
            f"comparison.{task}.{method}.v{v}.accuracy",
            race.accuracy(task, method, v),
            command,
        )
        if method == "quecc" and (task, "tokenpacker", v) in race.runs:
            gain = race.difference(task, ("quecc", v), ("tokenpacker", v))
            yield _crossed(
                f"comparison.{task}.quecc_minus_tokenpacker.v{v}", gain, command
            )


def _grid(results: Path) -> Iterator[Entry]:
    """Laws of N and V of the miniatures, and their recipe beside others; nothing where no cell is done."""
    if not any((results / "grid").glob("*.json")):
        return
    grid = Grid(results / "grid")
    for number in grid_numbers(grid):
        yield Entry(
            f"grid.{number.name}",
            *number[1:],
            command="vlmcore sweep run grid",
            source="book/results/grid",
        )
    if any((results / "ablation").glob("*.json")):
        for number in ablation.numbers(ablation.other_ways(results / "ablation", grid)):
            yield Entry(
                f"ablation.{number.name}",
                *number[1:],
                command="vlmcore sweep run ablation",
                source="book/results/ablation",
            )


def _real(folder: Path) -> Iterator[Entry]:
    """A pretrained language model on easy-VQA, and on what it knows of words beside a miniature; by order of image and question."""
    by_model: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for result in _read(folder):
        if "seed" in result:
            model = result["name"].rsplit(".seed", 1)[0].removesuffix(".v0")
            parts = [
                "real",
                "smollm2" if result["config"]["pretrained"] else "miniature",
                model,
            ]
            order, task = result["config"]["model"]["order"], result["task"]
            parts += [order] * (order != "image_first") + [task] * (task != "easyvqa")
            by_model[".".join(parts)].append(result)
    for name, runs in by_model.items():
        yield from _over_seeds(name, runs, folder)


def _crossed(name: str, found: Estimate, command: str) -> Entry:
    level, interval = (
        (None, None)
        if found.low is None
        else (LEVEL, f"t over {found.seeds} seeds and the questions")
    )
    count = found.seeds * found.questions
    return Entry(
        name,
        found.value,
        found.low,
        found.high,
        level,
        interval,
        count,
        command,
        "book/results/comparison",
    )


def _over_seeds(name: str, runs: list[dict[str, Any]], folder: Path) -> Iterator[Entry]:
    for split, suffix in (("test", "accuracy"), ("shuffled", "shuffled.accuracy")):
        scores = [run["scores"][split]["all"] for run in runs]
        count = sum(score["count"] for score in scores)
        found = over_seeds([score["value"] for score in scores])
        if len(runs) == 1:
            low, high = wilson_interval(round(found.value * count), count)
            found = found._replace(low=low, high=high, method="Wilson, one seed")
        yield _share(
            f"{name}.{suffix}",
            found.value,
            found.low,
            found.high,
            found.method,
            count,
            runs[0]["command"],
            folder,
        )


def _share(
    name: str,
    value: float,
    low: float | None,
    high: float | None,
    how: str,
    count: int,
    command: str,
    folder: Path,
) -> Entry:
    """A share of right answers; its interval, if it has one, cannot leave 0 to 1."""
    source = f"book/results/{folder.name}"
    if low is None or high is None:
        return Entry(name, value, count=count, command=command, source=source)
    return Entry(
        name, value, max(low, 0.0), min(high, 1.0), LEVEL, how, count, command, source
    )


def _read(folder: Path) -> list[dict[str, Any]]:
    return read_results(folder) if folder.exists() else []
