"""The entries of the ledger, experiment by experiment."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmcore import paper
from vlmcore.cost import paper_flops
from vlmcore.experiments.analysis.ablation import ablation_numbers, paired_with_grid
from vlmcore.experiments.analysis.by_question import marks_of
from vlmcore.experiments.analysis.comparison import Comparison
from vlmcore.experiments.analysis.grid_numbers import grid_numbers
from vlmcore.experiments.analysis.ladder import Ladder
from vlmcore.experiments.analysis.ladder_numbers import ladder_numbers
from vlmcore.experiments.analysis.scaling_grid import Grid
from vlmcore.files import read_results
from vlmcore.paper.refit import published_numbers
from vlmcore.scaling import Interval, crossed_mean, frontier, over_seeds, wilson


@dataclass(frozen=True)
class Entry:
    """A number of the ledger, the command that makes its source, and that source."""

    name: str
    number: Interval
    command: str
    source: str

    def row(self) -> dict[str, Any]:
        """All parts side by side; `interval` is the method of the interval."""
        value, low, high, level, method, count = self.number
        return {
            "name": self.name,
            "value": value,
            "low": low,
            "high": high,
            "level": level,
            "interval": method,
            "count": count,
            "command": self.command,
            "source": self.source,
        }


def published_entries() -> Iterator[Entry]:
    """The paper's 28 points: the measured frontier, and the laws fitted to them."""
    scores = paper.scores("visual")
    for q in (0, paper.TYPICAL_QUESTION):
        models = zip(scores["params"], scores["visual_tokens"], strict=True)
        flops = [paper_flops(n, q, v) for n, v in models]
        best = scores.iloc[frontier(flops, scores["error"])]
        below = best[best["params"] < best["params"].max()]
        yield Entry(
            f"published.visual.q{q}.frontier_tokens_below_largest_model",
            Interval(int(below["visual_tokens"].max()), count=len(scores)),
            "vlmcore report",
            "vlmcore/paper/scores_visual.csv",
        )
    for name, number in published_numbers().items():
        yield Entry(f"published.{name}", number, "vlmcore report", "vlmcore/paper")


def _coverage(results: Path) -> Iterator[Entry]:
    """Coverage of intervals of alpha / beta and of a prediction, for planted laws."""
    for result in read_results(results / "laws"):
        for row in result["coverage"]:
            if row["quantity"] in ("ratio", "prediction"):
                share = wilson(row["covered"], row["simulations"]).clipped()
                method = row["method"].replace(" ", "_")
                name = f"coverage.{result['name']}.{row['quantity']}.{method}"
                yield Entry(name, share, result["command"], "book/results/laws")


def _encoder(results: Path) -> Iterator[Entry]:
    for result in read_results(results / "encoder"):
        for features, right in result["probe"].items():
            share = wilson(right["right"], right["count"]).clipped()
            name = f"encoder.{result['name']}.probe.{features}.accuracy"
            yield Entry(name, share, result["command"], "book/results/encoder")


def _easyvqa(results: Path) -> Iterator[Entry]:
    by_model: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for result in read_results(results / "easyvqa"):
        model = result["name"].rsplit(".seed", 1)[0].removesuffix(".v0")
        by_model[f"easyvqa.{model}"].append(result)
    for name, runs in by_model.items():
        if name == "easyvqa.question_only":
            share = _one_run(runs[0]["scores"]["test"]["all"])
            source = "book/results/easyvqa"
            yield Entry(f"{name}.accuracy", share, runs[0]["command"], source)
        else:
            yield from _test_and_shuffled(name, runs, "book/results/easyvqa")


def _comparison(results: Path) -> Iterator[Entry]:
    """Every method, and the paired gain of QueCC over TokenPacker at the same V."""
    comparison = Comparison(results / "comparison")
    source = "book/results/comparison"
    for (task, method, v), runs in comparison.runs.items():
        command = next(iter(runs.values()))["command"]
        name, share = f"comparison.{task}", comparison.accuracy(task, method, v)
        yield Entry(f"{name}.{method}.v{v}.accuracy", share, command, source)
        if method == "quecc" and (task, "tokenpacker", v) in comparison.runs:
            gain = comparison.difference(task, ("quecc", v), ("tokenpacker", v))
            name = f"{name}.quecc_minus_tokenpacker.v{v}"
            yield Entry(name, gain, command, source)


def _grid(results: Path) -> Iterator[Entry]:
    """Laws of N and V of the miniatures."""
    for name, number in grid_numbers(Grid(results / "grid")).items():
        yield Entry(
            f"grid.{name}",
            number,
            "vlmcore sweep run grid",
            "book/results/grid",
        )


def _ablation(results: Path) -> Iterator[Entry]:
    """The grid's training with one part left out."""
    pairs = paired_with_grid(results / "ablation", Grid(results / "grid"))
    for name, number in ablation_numbers(pairs).items():
        yield Entry(
            f"ablation.{name}",
            number,
            "vlmcore sweep run ablation",
            "book/results/ablation",
        )


def _real(results: Path) -> Iterator[Entry]:
    """A pretrained language model beside a miniature, on easy-VQA and word facts."""
    by_model: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for result in read_results(results / "real"):
        if "seed" in result:
            by_model[_real_name(result)].append(result)
    for name, runs in by_model.items():
        yield from _test_and_shuffled(name, runs, "book/results/real")


def _real_name(result: dict[str, Any]) -> str:
    language = "smollm2" if result["config"]["pretrained"] else "miniature"
    model = result["name"].rsplit(".seed", 1)[0].removesuffix(".v0")
    order, task = result["config"]["model"]["order"], result["task"]
    extra = [order] * (order != "image_first") + [task] * (task != "easyvqa")
    return ".".join(["real", language, model, *extra])


def _ladder(results: Path) -> Iterator[Entry]:
    """Pretrained language models of three sizes, flags and their countries."""
    folder = results / "ladder"
    if any(folder.glob("text-*.json")):
        for name, number in ladder_numbers(Ladder(folder)).items():
            yield Entry(
                f"ladder.{name}", number, "vlmcore ladder run", "book/results/ladder"
            )


ENTRIES: dict[str, Callable[[Path], Iterator[Entry]]] = {
    "laws": _coverage,
    "encoder": _encoder,
    "easyvqa": _easyvqa,
    "comparison": _comparison,
    "grid": _grid,
    "ablation": _ablation,
    "real": _real,
    "ladder": _ladder,
}
"""For each folder of results its reader, which is given the folder of all results."""


def _test_and_shuffled(
    name: str, runs: list[dict[str, Any]], source: str
) -> Iterator[Entry]:
    """Accuracy over seeds, with the right images and with permuted ones.

    All seeds answer the same questions. Which answers were right is recorded for the
    right images only, so the interval with permuted ones is over seeds alone.
    """
    for split, suffix in (("test", "accuracy"), ("shuffled", "shuffled.accuracy")):
        scores = [run["scores"][split]["all"] for run in runs]
        if len(runs) == 1:
            share = _one_run(scores[0])._replace(method="Wilson, one seed")
        elif split == "test":
            share = crossed_mean([1 - marks_of(run["right"]) for run in runs])
        else:
            share = over_seeds([score["value"] for score in scores])
            share = Interval(share.value) if share.low is None else share
        share = share._replace(count=sum(score["count"] for score in scores))
        yield Entry(f"{name}.{suffix}", share.clipped(), runs[0]["command"], source)


def _one_run(score: dict[str, Any]) -> Interval:
    """Wilson's interval of one score."""
    return wilson(round(score["value"] * score["count"]), score["count"])
