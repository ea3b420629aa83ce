"""The grid of miniatures: its results as tables, laws, and slopes without a law.

A seed is an independent run: weights, text pre-training and the order of the data all
depend on it. So a law is fitted to each seed by itself, by the binomial likelihood of
its error counts. All seeds answer the same questions, so exponents and slopes are given
by seed and question (see `by_question`), and intervals cross the two. Nothing here
imports torch.
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from vlmcore.cost import paper_flops
from vlmcore.experiments.analysis.by_question import (
    exponents_by_question,
    log_errors,
    slope_in_params,
    slopes,
)
from vlmcore.experiments.analysis.grid_rows import (
    Variation,
    cell_row,
    text_rows,
    with_variations,
)
from vlmcore.experiments.analysis.held_out import Prediction, predict_largest
from vlmcore.files import read_results
from vlmcore.scaling import Fit, Law, Product, fit_law, frontier


class Grid:
    """The results of the grid in a folder.

    Args:
        folder: of the result files.

    Raises:
        FileNotFoundError: there is no result.
    """

    def __init__(self, folder: str | Path) -> None:
        found = read_results(folder)
        table = pd.DataFrame([cell_row(each) for each in found if "seed" in each])
        self.table = table if table.empty else with_variations(table)
        self.text = pd.DataFrame(
            [row for each in found if "text_seed" in each for row in text_rows(each)]
        )
        self.question_only = {
            each["task"]: each for each in found if each["name"] == "question_only"
        }

    def cells(
        self, task: str, compressor: str, variation: Variation = ""
    ) -> pd.DataFrame:
        """The cells of a task and a compressor with one variation, or with none."""
        if self.table.empty:  # without columns, too
            return self.table
        return self.table.query(
            "task == @task and compressor == @compressor and variation == @variation"
        )

    def main_cells(self, task: str, compressor: str) -> pd.DataFrame:
        """The cells that laws are fitted to: no variation, some visual tokens."""
        cells = self.cells(task, compressor)
        return cells if cells.empty else cells[cells["visual_tokens"] > 0]

    def paired_with_baseline(
        self, task: str, compressor: str, variation: Variation
    ) -> pd.DataFrame:
        """Cells with a variation, each beside the main cell of the same seed, N and V.

        Returns:
            Columns `seed`, `params`, `visual_tokens`, `count`, `error`, `wrong` (the
            marks of its answers), and `baseline` and `baseline_wrong`, the same of the
            main cell.
        """
        keys = ["seed", "params", "visual_tokens"]
        main = as_baseline(self.main_cells(task, compressor), keys)
        varied = self.cells(task, compressor, variation)
        return varied[[*keys, "count", "error", "wrong"]].merge(main, on=keys)

    def of_one_width(self, task: str, compressor: str) -> pd.DataFrame:
        """The cells of sizes that differ in depth alone, at the same V and seeds.

        The main size of that width is one of them.
        """
        deep = self.cells(task, compressor, "depth")
        own = self.main_cells(task, compressor).merge(
            deep[["seed", "width", "visual_tokens"]].drop_duplicates()
        )
        return pd.concat([deep, own], ignore_index=True)

    def slopes_in_depth(self, task: str, compressor: str) -> pd.DataFrame:
        """Slopes if only depth grows, and if width and depth grow together.

        They are minus the slope of log error in log N. The latter is taken between the
        two main sizes next in N.

        Returns:
            Columns `depth` and `fixed_aspect`, indexed by V, seed and question.

        Raises:
            ValueError: there are no cells of one kind or the other.
        """
        deep, main = (
            self.cells(task, compressor, "depth"),
            self.main_cells(task, compressor),
        )
        if deep.empty or main.empty:
            raise ValueError(
                f"{len(deep)} and {len(main)} cells of {task} with {compressor}, by "
                "depth and of the main sizes, give no slopes; run more of the grid"
            )
        by_depth, by_size = log_errors(deep), log_errors(main)
        found = {}
        for v in deep["visual_tokens"].unique():
            ends = min(by_depth[v].columns), max(by_depth[v].columns)
            near = [
                min(by_size[v].columns, key=lambda n: abs(np.log(n / end)))
                for end in ends
            ]
            found[v] = pd.DataFrame(
                {
                    "depth": slope_in_params(by_depth[v], *ends),
                    "fixed_aspect": slope_in_params(by_size[v], *near),
                }
            ).dropna()
        return pd.concat(found, names=["visual_tokens"])

    def complete_seeds(self, task: str, compressor: str) -> list[int]:
        """The seeds that have every size and every V that any seed has.

        There are none while there are fewer than three sizes or V.
        """
        table = self.main_cells(task, compressor)
        if table.empty:
            return []
        sizes, tokens = table["params"].nunique(), table["visual_tokens"].nunique()
        cells = table[["seed", "params", "visual_tokens"]].drop_duplicates()
        counts = cells.groupby("seed").size()
        complete = sorted(counts[counts == sizes * tokens].index)
        return complete if min(sizes, tokens) >= 3 else []

    def cells_of_complete_seeds(self, task: str, compressor: str) -> pd.DataFrame:
        """The main cells of the complete seeds, or all while no seed is complete.

        Means over them are means over the same seeds.
        """
        table = self.main_cells(task, compressor)
        complete = self.complete_seeds(task, compressor)
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
        table = self.main_cells(task, compressor)
        if tokens is not None:
            table = table[table["visual_tokens"].isin(tokens)]
        laws = {}
        for seed in self.complete_seeds(task, compressor):
            cells = table[table["seed"] == seed]
            laws[seed] = _fit(form, cells, cells[params], cells["count"])
        return laws

    def exponents(
        self,
        task: str,
        compressor: str,
        *,
        params: str = "params",
        tokens: Collection[int] | None = None,
    ) -> pd.DataFrame:
        """Parameters of the `laws`, indexed by seed and question."""
        laws = self.laws(task, compressor, params=params, tokens=tokens)
        rows = self.main_cells(task, compressor)
        if tokens is not None:
            rows = rows[rows["visual_tokens"].isin(tokens)]
        return exponents_by_question(laws, rows)

    def pooled(self, task: str, compressor: str, form: type[Law] = Product) -> Law:
        """One law for the mean errors of all seeds, to be drawn.

        It has no intervals, since questions of a seed are not independent.

        Raises:
            ValueError: there are too few sizes or V for a law.
        """
        cells = self.mean_errors(task, compressor)
        if len(cells) < 5:
            raise ValueError(
                f"{len(cells)} cells of {task} with {compressor} are too few for a "
                "law; run more of the grid"
            )
        count = self.main_cells(task, compressor)["count"].iloc[0] * cells["seeds"]
        return _fit(form, cells, cells["params"], count).law

    def slopes(self, task: str, compressor: str) -> pd.DataFrame:
        """The slopes of `by_question.slopes`, without a law."""
        return slopes(self.main_cells(task, compressor))

    def mean_errors(self, task: str, compressor: str) -> pd.DataFrame:
        """Error of every size and V: mean, standard error and number of seeds.

        The column `flops` has exact FLOPs at the task's own Q.
        """
        cells = self.cells_of_complete_seeds(task, compressor)
        return (
            cells.groupby(["params", "visual_tokens"])
            .agg(
                error=("error", "mean"),
                standard_error=("error", "sem"),
                seeds=("error", "count"),
                flops=("flops", "first"),
            )
            .reset_index()
        )

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
            models = zip(cells["params"], cells["visual_tokens"], strict=True)
            cells["flops"] = [paper_flops(n, q, v) for n, v in models]
        best = frontier(cells["flops"], cells["error"])
        return cells.iloc[best].reset_index(drop=True)

    def hold_out_largest(self, task: str, compressor: str) -> list[Prediction]:
        """The largest size predicted from the others, for every complete seed and V."""
        return [
            prediction
            for seed, law in self.laws(task, compressor).items()
            for prediction in predict_largest(seed, law)
        ]


def as_baseline(cells: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Errors and marks of main cells under the names that a comparison gives them."""
    names = {"error": "baseline", "wrong": "baseline_wrong"}
    return cells[[*keys, *names]].rename(columns=names)


def _fit(form: type[Law], cells: pd.DataFrame, N: pd.Series, count: pd.Series) -> Fit:
    return fit_law(
        form,
        N,
        cells["visual_tokens"],
        cells["error"],
        loss="binomial",
        trials=count,
        allow_bound=True,
        unit=1e5,
    )
