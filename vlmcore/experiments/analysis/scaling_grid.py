"""What the grid of miniatures says: its results as tables, laws for each seed of the text, and intervals over these seeds.

A seed is a whole history: weights, school, order of everything. So a law is fitted to
each seed by itself, by the binomial likelihood of its error counts, and what is said
about a law is said with Student's t over the seeds. Nothing here imports torch.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from vlmcore.cost import paper_flops
from vlmcore.files import read_results
from vlmcore.scaling import Fit, Law, Product, fit_law, frontier

FAMILIES = {"knowledge": "knowledge", "reasoning": "reasoning", "ocr": "ocr"}
"""Tasks of the grid, and what the book calls them."""
Difference = Literal["", "order", "steps", "depth"]
TYPICAL_QUESTION = 50
"""Q of the paper's typical question, in text tokens."""


class Prediction(NamedTuple):
    """What the smaller sizes say about the largest, for one seed and V."""

    seed: int
    visual_tokens: int
    predicted: float
    standard_error: float
    measured: float
    measured_error: float

    @property
    def informative(self) -> bool:
        """Whether the prediction is sharp enough to be wrong."""
        return self.standard_error <= self.predicted / 4

    @property
    def holds(self) -> bool:
        """Whether it is within two standard errors of what was measured."""
        return abs(self.predicted - self.measured) <= 2 * float(
            np.hypot(self.standard_error, self.measured_error)
        )


class Grid:
    """The results of the grid in a folder.

    Args:
        folder: of the result files.

    Raises:
        FileNotFoundError: there is no result.
    """

    def __init__(self, folder: str | Path) -> None:
        found = read_results(folder)
        table = pd.DataFrame(
            [
                _row(result)
                for result in found
                if result.get("task") in FAMILIES and "seed" in result
            ]
        )
        self.table = table if table.empty else table.assign(differs=_differs(table))
        self.text = pd.DataFrame(
            [
                row
                for result in found
                if "text_seed" in result
                for row in _text_rows(result)
            ]
        )
        self.question_only = {
            result["task"]: result
            for result in found
            if result["name"] == "question_only"
        }

    def ladder(self, task: str, compressor: str) -> pd.DataFrame:
        """The cells that laws are fitted to: the sizes of the ladder, the recipe of the plan, the image first."""
        cells = self.cells(task, compressor)
        return cells if cells.empty else cells[cells["visual_tokens"] > 0]

    def cells(
        self, task: str, compressor: str, differs: Difference = ""
    ) -> pd.DataFrame:
        """The cells of a family and a compressor that differ in one thing from the ladder, or in nothing."""
        if self.table.empty:  # without columns, too
            return self.table
        return self.table.query(
            "task == @task and compressor == @compressor and differs == @differs"
        )

    def beside(self, task: str, compressor: str, differs: Difference) -> pd.DataFrame:
        """Cells that differ in one thing from the ladder, each beside the one of the ladder with the same seed, N and V.

        Returns:
            Columns `seed`, `params`, `visual_tokens`, `count`, `error`, and `usual`,
            the ladder's error.
        """
        keys = ["seed", "params", "visual_tokens"]
        usual = self.ladder(task, compressor)[[*keys, "error"]].rename(
            columns={"error": "usual"}
        )
        return self.cells(task, compressor, differs)[[*keys, "count", "error"]].merge(
            usual, on=keys
        )

    def of_one_width(self, task: str, compressor: str) -> pd.DataFrame:
        """The cells of sizes that differ in depth alone, the ladder's own size of that width among them, at the same V and seeds."""
        deep = self.cells(task, compressor, "depth")
        own = self.ladder(task, compressor).merge(
            deep[["seed", "width", "visual_tokens"]].drop_duplicates()
        )
        return pd.concat([deep, own], ignore_index=True)

    def slopes_in_depth(self, task: str, compressor: str) -> pd.DataFrame:
        """Minus the slope of log error in log N where sizes differ in depth alone, and that of the ladder between the two sizes next in N.

        Returns:
            Columns `depth` and `ladder`, indexed by seed and V.

        Raises:
            ValueError: there are no cells of one kind or the other.
        """
        tables = [self.cells(task, compressor, "depth"), self.ladder(task, compressor)]
        if any(table.empty for table in tables):
            counts = " and ".join(str(len(table)) for table in tables)
            raise ValueError(
                f"{counts} cells of {task} with {compressor}, by depth and of the "
                "ladder, give no slopes; run more of the grid"
            )
        deep, usual = (
            np.log(table.pivot_table("error", ["seed", "visual_tokens"], "params"))
            for table in tables
        )
        few, many = min(deep.columns), max(deep.columns)
        ends = [
            min(usual.columns, key=lambda n: abs(np.log(n / end)))
            for end in (few, many)
        ]
        by_depth = (deep[few] - deep[many]) / np.log(many / few)
        by_ladder = (usual[ends[0]] - usual[ends[1]]) / np.log(ends[1] / ends[0])
        return pd.DataFrame({"depth": by_depth, "ladder": by_ladder}).dropna()

    def complete_seeds(self, task: str, compressor: str) -> list[int]:
        """The seeds that have every size and every V that any seed has; none while there are fewer than three of either."""
        table = self.ladder(task, compressor)
        if (
            table.empty
            or min(table["params"].nunique(), table["visual_tokens"].nunique()) < 3
        ):
            return []
        cells = (
            table[["seed", "params", "visual_tokens"]]
            .drop_duplicates()
            .groupby("seed")
            .size()
        )
        return sorted(
            cells[
                cells == table["params"].nunique() * table["visual_tokens"].nunique()
            ].index
        )

    def of_complete_seeds(self, task: str, compressor: str) -> pd.DataFrame:
        """The cells of the complete seeds, so that they can be compared over the same histories; all of them while no seed is complete."""
        table, complete = (
            self.ladder(task, compressor),
            self.complete_seeds(task, compressor),
        )
        return table[table["seed"].isin(complete)] if complete else table

    def laws(
        self,
        task: str,
        compressor: str,
        form: type[Law] = Product,
        *,
        params: str = "params",
        tokens: Collection[int] | None = None,
    ) -> dict[int, Fit]:
        """A law for each complete seed.

        Args:
            task: of the grid.
            compressor: its name in the results.
            form: of law.
            params: `params` for N without embeddings, `all_params` with them.
            tokens: only cells with these V; all if None.
        """
        table = self.ladder(task, compressor)
        table = table if tokens is None else table[table["visual_tokens"].isin(tokens)]
        rows = {
            seed: table[table["seed"] == seed]
            for seed in self.complete_seeds(task, compressor)
        }
        return {
            seed: fit_law(
                form,
                r[params],
                r["visual_tokens"],
                r["error"],
                loss="binomial",
                trials=r["count"],
                allow_bound=True,
                unit=1e5,
            )
            for seed, r in rows.items()
        }

    def exponents(
        self,
        task: str,
        compressor: str,
        *,
        params: str = "params",
        tokens: Collection[int] | None = None,
    ) -> pd.DataFrame:
        """What the laws of the complete seeds say: columns `alpha`, `beta` and `D`, indexed by seed; arguments as those of `laws`."""
        laws = self.laws(task, compressor, params=params, tokens=tokens)
        return pd.DataFrame(
            {seed: vars(found.law) for seed, found in laws.items()},
            ["alpha", "beta", "D"],
        ).T

    def pooled(self, task: str, compressor: str, form: type[Law] = Product) -> Law:
        """One law for the mean errors of all seeds, to be drawn. It has no intervals, since questions of a seed are not independent.

        Raises:
            ValueError: there are too few sizes or V for a law.
        """
        cells = self.mean_errors(task, compressor)
        if len(cells) < 5:
            raise ValueError(
                f"{len(cells)} cells of {task} with {compressor} are too few for a "
                "law; run more of the grid"
            )
        count = self.ladder(task, compressor)["count"].iloc[0] * cells["seeds"]
        n, v, error = cells["params"], cells["visual_tokens"], cells["error"]
        return fit_law(
            form, n, v, error, loss="binomial", trials=count, allow_bound=True, unit=1e5
        ).law

    def slopes(self, task: str, compressor: str) -> pd.DataFrame:
        """Without a law: minus the slope of log error in log N and in log V, between the ends of both, one row a seed.

        The slope in N is the mean over both ends of V, the slope in V the mean over all
        sizes. Seeds that lack one of these cells are left out.

        Returns:
            Columns `N`, `V` and `difference`, indexed by seed.
        """
        table = self.ladder(task, compressor)
        (n0, n1), (v0, v1) = (
            [values.min(), values.max()]
            for values in (table["params"], table["visual_tokens"])
        )
        log = np.log(
            table[table["visual_tokens"].isin([v0, v1])].pivot_table(
                "error", "seed", ["visual_tokens", "params"]
            )
        ).dropna()
        few, many = log[v0], log[v1]
        by_v = (few - many).mean(axis=1) / np.log(v1 / v0)
        by_n = (few[n0] - few[n1] + many[n0] - many[n1]) / 2 / np.log(n1 / n0)
        return pd.DataFrame({"N": by_n, "V": by_v, "difference": by_n - by_v})

    def mean_errors(self, task: str, compressor: str) -> pd.DataFrame:
        """Error of every size and V over the histories: mean, standard error, how many, and exact FLOPs at the task's own Q."""
        cells = self.of_complete_seeds(task, compressor).groupby(
            ["params", "visual_tokens"]
        )
        errors = {
            "error": ("error", "mean"),
            "standard_error": ("error", "sem"),
            "seeds": ("error", "count"),
        }
        return cells.agg(**errors, flops=("flops", "first")).reset_index()

    def frontier(
        self, task: str, compressor: str, q: float | None = None
    ) -> pd.DataFrame:
        """The measured models that no cheaper one beats, cheapest first.

        Args:
            task: of the grid.
            compressor: its name in the results.
            q: text tokens at which the paper's 2N(Q + V) counts; exact FLOPs of the
                language model, at the task's own Q, if None.
        """
        cells = self.mean_errors(task, compressor)
        if q is not None:
            cells["flops"] = [
                paper_flops(n, q, v)
                for n, v in zip(cells["params"], cells["visual_tokens"], strict=True)
            ]
        return cells.iloc[frontier(cells["flops"], cells["error"])].reset_index(
            drop=True
        )

    def hold_out_largest(self, task: str, compressor: str) -> list[Prediction]:
        """The largest size predicted from the others, for every complete seed and V."""
        found = []
        for seed, law in self.laws(task, compressor).items():
            held = law.points.N.max() == law.points.N
            rest = law.refit(law.points.keep(~held))
            out = law.points.keep(held)
            slope = rest.jacobian(out.N, out.V)
            spread = np.sqrt(
                np.einsum("vp,pq,vq->v", slope, rest.covariance.to_numpy(), slope)
            )  # the delta method
            noise = np.sqrt(out.error * (1 - out.error) / out.weights)
            rows = zip(
                out.V,
                rest.law.predict(out.N, out.V),
                spread,
                out.error,
                noise,
                strict=True,
            )
            found += [
                Prediction(seed, int(v), float(p), float(s), float(m), float(e))
                for v, p, s, m, e in rows
            ]
        return found


def _differs(table: pd.DataFrame) -> np.ndarray:
    """What sets each cell apart from the ladder."""
    turned, longer, deep = (
        table["order"] != "image_first",
        table["steps"] > table["steps"].min(),
        table["width"] != 16 * table["depth"],
    )
    return np.select([turned, longer, deep], ["order", "steps", "depth"], "")


def _row(result: dict[str, Any]) -> dict[str, Any]:
    language, training, test = (
        result["config"]["model"]["language"],
        result["config"]["training"],
        result["scores"]["test"],
    )
    parameters, flops = result["parameters"], result["flops"]
    return {
        "task": result["task"],
        "compressor": result["compressor"],
        "visual_tokens": result["visual_tokens"],
        "seed": result["seed"],
        "width": language["width"],
        "depth": language["depth"],
        "order": result["config"]["model"]["order"],
        "steps": training["align"]["steps"] + training["tune"]["steps"],
        "params": parameters["language"],
        "all_params": parameters["language"]
        + parameters["embedding"]
        + parameters["head"],
        "flops": flops["question_pass"]
        + flops["prefill"]
        + flops["decode"],  # those of the language model
        "error": 1 - test["all"]["value"],
        "count": test["all"]["count"],
        "shuffled": 1 - result["scores"]["shuffled"]["all"]["value"],
        "kinds": {
            kind: 1 - score["value"] for kind, score in test.items() if kind != "all"
        },
        "text_tokens": result["text_tokens"],
    }


def _text_rows(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for task, by_parts in result["scores"].items():
        for parts, scores in by_parts.items():
            yield {
                "task": task,
                "parts": int(parts),
                "seed": result["text_seed"],
                "width": result["language"]["width"],
                "depth": result["language"]["depth"],
                "params": result["parameters"]["language"],
                "error": 1 - scores["all"]["value"],
                "count": scores["all"]["count"],
                "kinds": {
                    kind: 1 - score["value"]
                    for kind, score in scores.items()
                    if kind != "all"
                },
            }
