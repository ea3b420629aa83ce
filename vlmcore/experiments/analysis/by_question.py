"""Values by seed and question, whose spread over both gives the intervals of the grid.

All models of a task answer the same questions, so more seeds do not average the noise
of the questions away. A quantity that is no mean of marks, such as an exponent, is
linearised: its value for a seed, plus what each question adds to it. The mean over the
questions is the value itself.
"""

import numpy as np
import pandas as pd

from vlmcore.scaling import Fit, Interval, crossed_mean, crossed_ratio


def marks_of(right: str) -> np.ndarray:
    """Which answers were wrong, float (questions,): 1 for a "0" among the marks."""
    return (np.frombuffer(right.encode(), np.uint8) == ord("0")).astype(np.float32)


def by_question(rows: pd.DataFrame, column: str = "wrong") -> pd.Series:
    """The marks of one cell of every seed, indexed by seed and question."""
    marks = np.stack(rows[column].to_list()).astype(float)
    return pd.Series(marks.ravel(), _index(rows["seed"], marks.shape[1]))


def log_errors(rows: pd.DataFrame) -> pd.DataFrame:
    """Linearised log errors, indexed by seed and question, one column a V and N."""
    columns = {}
    for cell, runs in rows.groupby(["visual_tokens", "params"]):
        wrong = by_question(runs)
        error = wrong.groupby("seed").transform("mean")
        columns[cell] = np.log(error) + (wrong - error) / error
    return pd.DataFrame(columns).rename_axis(["visual_tokens", "params"], axis=1)


def slope_in_params(log_errors: pd.DataFrame, few: float, many: float) -> pd.Series:
    """Minus the slope of columns of log errors between two values of N."""
    return (log_errors[few] - log_errors[many]) / np.log(many / few)


def slopes(rows: pd.DataFrame) -> pd.DataFrame:
    """Slopes without a law, between the ends of N and of V.

    They are minus the slope of log error in log N and in log V. The slope in N is the
    mean over both ends of V, the slope in V the mean over all sizes. Seeds that lack
    one of these cells are left out.

    Returns:
        Columns `N`, `V` and `difference`, indexed by seed and question.
    """
    n0, n1 = rows["params"].min(), rows["params"].max()
    v0, v1 = rows["visual_tokens"].min(), rows["visual_tokens"].max()
    log = log_errors(rows[rows["visual_tokens"].isin([v0, v1])]).dropna()
    few, many = log[v0], log[v1]
    by_v = (few - many).mean(axis=1) / np.log(v1 / v0)
    by_n = (slope_in_params(few, n0, n1) + slope_in_params(many, n0, n1)) / 2
    return pd.DataFrame({"N": by_n, "V": by_v, "difference": by_n - by_v})


def exponents_by_question(laws: dict[int, Fit], rows: pd.DataFrame) -> pd.DataFrame:
    """Linearised parameters of binomial fits, indexed by seed and question.

    A fit weighs the errors of its cells by its covariance, as one step of scoring does.
    A parameter at its bound does not move.

    Args:
        laws: the fit of each seed.
        rows: the cells, those of a seed in the order of its fit's points.
    """
    found = []
    for seed, fit in laws.items():
        wrong = np.stack(rows.loc[rows["seed"] == seed, "wrong"].to_list())
        more = wrong - fit.points.error[:, None]
        spread = fit.predicted * (1 - fit.predicted)
        scores = fit.jacobian(fit.points.N, fit.points.V).T * (
            fit.points.weights / spread
        )
        moves = pd.DataFrame(
            (fit.covariance.to_numpy() @ scores @ more).T,
            _index([seed], more.shape[1]),
            fit.free,
        )
        names = list(fit.law.names())
        found.append(moves.reindex(columns=names, fill_value=0) + fit.law.parameters)
    return pd.concat(found) if found else pd.DataFrame(columns=["alpha", "beta", "D"])


def across(values: pd.Series) -> Interval:
    """Mean over seeds and questions, with an interval for other seeds and questions."""
    return crossed_mean(_table(values))


def ratio_across(above: pd.Series, below: pd.Series) -> Interval:
    """Ratio of two such means, with Fieller's interval."""
    return crossed_ratio(_table(above), _table(below))


def _table(values: pd.Series) -> np.ndarray:
    """One row a seed, one column a question; every seed answers every question."""
    seeds = values.index.unique("seed")
    return values.sort_index().to_numpy().reshape(len(seeds), -1)


def _index(seeds: pd.Series | list[int], questions: int) -> pd.MultiIndex:
    names = ["seed", "question"]
    return pd.MultiIndex.from_product([seeds, range(questions)], names=names)
