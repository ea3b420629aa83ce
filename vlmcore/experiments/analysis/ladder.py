"""The errors of the ladder of pretrained models, and its pre-registered contrasts.

Every run answers the same questions. Seeds of stage 1 and what is asked about are
crossed: a country's questions are averaged first, so that countries are drawn whole; a
string of letters is asked about once.
"""

from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from vlmcore.config import QWEN25, SMOLLM2_135M
from vlmcore.cost import language_parameters
from vlmcore.files import read_json
from vlmcore.scaling import Interval, crossed_mean

LARGEST, MIDDLE, SMALLEST = "qwen_1500m", "qwen_500m", "smollm2_135m"
PARAMS = {
    SMALLEST: language_parameters(SMOLLM2_135M),
    MIDDLE: language_parameters(QWEN25["0.5B"]),
    LARGEST: language_parameters(QWEN25["1.5B"]),
}
"""N of each model, the smallest first."""


class Point(NamedTuple):
    """A language model with V visual tokens of a compressor; each seed is a cell."""

    key: str
    visual_tokens: int
    compressor: str = "tokenpacker"


class Ladder:
    """The results of `vlmcore ladder run`.

    Args:
        folder: of the results.

    Raises:
        FileNotFoundError: the folder has no scores in text, which list the questions.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.has(f"text-{SMALLEST}"):
            raise FileNotFoundError(
                f"{folder} has no text-{SMALLEST}.json, which lists the questions; "
                "make it with: vlmcore ladder run --only text"
            )

    def has(self, name: str) -> bool:
        """Whether a run has a result."""
        return (self.folder / f"{name}.json").exists()

    def result(self, name: str) -> dict[str, Any]:
        """One result file.

        Raises:
            FileNotFoundError: it was not made yet.
        """
        path = self.folder / f"{name}.json"
        if not self.has(name):
            raise FileNotFoundError(f"{path} was not made yet: vlmcore ladder run")
        return read_json(path)

    @cached_property
    def questions(self) -> dict[str, pd.DataFrame]:
        """For each family what was asked, about what, and what is accepted.

        The probe of letters reads the scenes of *ocr*.
        """
        families = self.result(f"text-{SMALLEST}")["families"]
        columns = ["kind", "question", "about", "one_token", "objects", "accepted"]
        found = {
            family: pd.DataFrame({name: of_family[name] for name in columns})
            for family, of_family in families.items()
        }
        if "ocr" in found:
            found["letters"] = found["ocr"]
        return found

    def cells(self) -> pd.DataFrame:
        """All trained cells that have a result, one a row, with their errors."""
        found = [
            read_json(path) for path in sorted(self.folder.glob("*.v*.seed*.json"))
        ]
        names = ["key", "compressor", "visual_tokens", "seed"]
        rows = [
            [*(result[name] for name in names), family, 1 - np.mean(answers["points"])]
            for result in found
            for family, answers in result["families"].items()
        ]
        return pd.DataFrame(rows, columns=[*names, "family", "error"])

    def mean_errors(self, family: str, compressor: str = "tokenpacker") -> pd.DataFrame:
        """Error of every size and V that has a result, the smallest first.

        The columns `params`, `visual_tokens`, `error`, `standard_error` and `seeds` are
        those of `Grid.mean_errors`.
        """
        found = self.cells().query("compressor == @compressor and family == @family")
        rows = []
        for key, params in PARAMS.items():
            for v in sorted(found.query("key == @key")["visual_tokens"].unique()):
                errors = self.errors(Point(key, v, compressor), family)
                rows.append((params, v, errors.mean(), _spread(errors), len(errors)))
        columns = ["params", "visual_tokens", "error", "standard_error", "seeds"]
        return pd.DataFrame(rows, columns=columns)

    def runs(self, point: Point) -> dict[int, dict[str, Any]]:
        """The results of a point by seed.

        Raises:
            FileNotFoundError: there is none.
        """
        key, v, compressor = point
        pattern = f"{key}.{compressor}.v{v}.seed*.json"
        found = [read_json(path) for path in sorted(self.folder.glob(pattern))]
        if not found:
            raise FileNotFoundError(
                f"{self.folder} has no {pattern}: vlmcore ladder run"
            )
        return {result["seed"]: result for result in found}

    def errors(self, point: Point, family: str) -> np.ndarray:
        """Errors by seed and by what is asked about, float (seeds, clusters)."""
        return np.stack(list(self._by_seed(point, family).values()))

    def difference(self, family: str, first: Point, second: Point) -> np.ndarray:
        """Errors of the first point less those of the second, of the seeds of both.

        Returns:
            float (seeds, clusters)

        Raises:
            FileNotFoundError: a point has no result, or no seed has both.
        """
        one, other = (self._by_seed(point, family) for point in (first, second))
        seeds = sorted(one.keys() & other.keys())
        if not seeds:
            raise FileNotFoundError(
                f"{self.folder} has no seed of both {first} and {second}: "
                "vlmcore ladder run"
            )
        return np.stack([one[seed] - other[seed] for seed in seeds])

    def _by_seed(self, point: Point, family: str) -> dict[int, np.ndarray]:
        """Errors by what is asked about, float (clusters,), of each seed."""
        runs = self.runs(point)
        points = [run["families"][family]["points"] for run in runs.values()]
        errors = self.by_cluster(1 - np.array(points), family)
        return dict(zip(runs, errors, strict=True))

    def text_error(self, key: str, family: str) -> Interval:
        """Error of a model that reads the names in text."""
        points = self.result(f"text-{key}")["families"][family]["points"]
        return over_clusters(self.by_cluster(1 - np.array([points]), family))

    def oracle_tokens(self, key: str) -> list[int]:
        """The values of V for which a model has read exact targets."""
        found = self.result(f"oracle-{key}")["found"]
        return [int(name[1:]) for name in found if name[1:].isdigit()]

    def oracle_error(
        self, key: str, v: int, family: str, picture: str = "exact"
    ) -> Interval:
        """Error of a model that reads exact targets, or a name `repeated` V times."""
        found = self.result(f"oracle-{key}")["found"][f"v{v}"]
        points = found[f"{family}.{picture}"]["points"]
        return over_clusters(self.by_cluster(1 - np.array([points]), family))

    def n_minus_v(
        self, family: str, small: str = SMALLEST, compressor: str = "tokenpacker"
    ) -> Interval:
        """Error of a small model with V = 36 less that of the largest with V = 1."""
        many, one = Point(small, 36, compressor), Point(LARGEST, 1, compressor)
        return over_both(self.difference(family, many, one))

    def equal_cost(self, family: str, compressor: str = "tokenpacker") -> Interval:
        """Error of the better of two small models less that of the largest with V = 1.

        The two are the middle model with V = 4 and the smallest with V = 16, and the
        better has the smaller mean error.
        """
        options = [Point(MIDDLE, 4, compressor), Point(SMALLEST, 16, compressor)]
        return self.best_less_largest(family, options)

    def best_less_largest(self, family: str, options: list[Point]) -> Interval:
        """Error of the point with the least, less that of the largest with V = 1."""
        best = min(options, key=lambda point: self.errors(point, family).mean())
        one = Point(LARGEST, 1, best.compressor)
        return over_both(self.difference(family, best, one))

    def by_cluster(
        self, values: np.ndarray, family: str, rows: np.ndarray | None = None
    ) -> np.ndarray:
        """Means over the questions about one country, or single questions.

        Args:
            values: float (runs, questions).
            family: of the questions.
            rows: bool (questions,), those that count; all of them by default.

        Returns:
            float (runs, countries or strings), without those of which no row counts.
        """
        about = self.questions[family]["about"]
        cluster = about.where(about != "", about.index.astype(str))
        rows = np.ones(len(about), bool) if rows is None else rows
        number = pd.factorize(cluster[rows])[0]
        member = number[:, None] == np.arange(number.max() + 1)
        return values[:, rows] @ member / member.sum(0)


def over_both(errors: np.ndarray) -> Interval:
    """Mean with an interval over seeds and clusters; over clusters with few seeds.

    Args:
        errors: float (seeds, clusters). Fewer than three seeds say little of others, so
            the interval is for other countries or strings alone.
    """
    if len(errors) < 3:
        return over_clusters(errors.mean(0, keepdims=True))
    return crossed_mean(errors)


def over_clusters(errors: np.ndarray) -> Interval:
    """Mean and t-interval over clusters, for answers that no seed changes.

    Args:
        errors: float (1, clusters).
    """
    values = errors[0]
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    mean = float(values.mean())
    method = f"t over {len(values)} countries or strings"
    return Interval(mean, mean - half, mean + half, 0.95, method, len(values))


def _spread(errors: np.ndarray) -> float:
    """Standard error of a mean over seeds, if there are several, and clusters."""
    seeds = stats.sem(errors.mean(1)) if len(errors) > 1 else 0.0
    return float(np.hypot(seeds, stats.sem(errors.mean(0))))
