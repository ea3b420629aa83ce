"""Planted laws and the noise around them, in which the coverage of intervals is tested.

Independent noise is the least demanding. Points of a size share a language model, so
three settings have noise that a size shares: an offset, or a slope in ln V. In another
one all points with V = 1 are off together, as where training fails at one V.
"""

from dataclasses import dataclass

import numpy as np

from vlmcore.scaling.forms import Additive, Interaction, LogLinear, Product
from vlmcore.scaling.law import Law
from vlmcore.scaling.quantities import Quantity

N, V = (
    axis.ravel()
    for axis in np.meshgrid(
        np.array([0.5, 1.8, 4, 7]) * 1e9, [1.0, 4, 16, 36, 64, 144, 576], indexing="ij"
    )
)
"""The 28 points of the paper's grid."""
LARGER = (14e9, 16.0)
"""A new model, twice as large as any of the grid, whose error is predicted."""


@dataclass(frozen=True)
class Setting:
    """A planted law and the noise around it.

    Attributes:
        name: of the result file.
        about: a description.
        law: the truth.
        sigma: standard deviation of the noise of each point; 0 for counts.
        shared: standard deviation of noise that all points of a size share.
        slope: standard deviation of the slope in ln V that a size has of its own.
        first: standard deviation of noise that all points with V = 1 share.
        trials: questions a point, for counts.
        quantities: those whose intervals are simulated.
    """

    name: str
    about: str
    law: Law
    sigma: float = 0.004
    shared: float = 0.0
    slope: float = 0.0
    first: float = 0.0
    trials: int | None = None
    quantities: tuple[Quantity, ...] = ("alpha", "beta", "ratio")

    def draw(
        self,
        count: int,
        rng: np.random.Generator,
        points: tuple[np.ndarray, np.ndarray] = (N, V),
    ) -> np.ndarray:
        """Measured errors, float (count, points)."""
        truth = np.tile(self.law.predict(*points), (count, 1))
        if self.trials:
            return rng.binomial(self.trials, truth) / self.trials
        sizes, size = np.unique(points[0], return_inverse=True)
        together = self.shared * rng.normal(size=(count, len(sizes)))[:, size]
        errors = truth + together + self.sigma * rng.normal(size=truth.shape)
        if self.slope:
            tilt = self.slope * rng.normal(size=(count, len(sizes)))[:, size]
            errors += tilt * (np.log(points[1]) - np.log(V).mean())
        if self.first:
            errors += self.first * rng.normal(size=(count, 1)) * (points[1] == 1)
        return errors

    def truth(self) -> dict[str, float]:
        """The law's parameters by name, and its unit of N."""
        parameters = zip(self.law.names(), self.law.parameters.tolist(), strict=True)
        return {"unit": self.law.unit, **dict(parameters)}

    def noise(self) -> dict[str, float | None]:
        """The parts of the noise by name."""
        names = ("sigma", "shared", "slope", "first", "trials")
        return {name: vars(self)[name] for name in names}


WELL = Product(AB=0.6, alpha=0.4, beta=0.1, D=0.1)
SETTINGS = [
    Setting(
        "product",
        "a product whose exponents and floor are well identified",
        WELL,
        quantities=("alpha", "beta", "D", "ratio"),
    ),
    Setting(
        "additive",
        "a sum whose exponents are well identified",
        Additive(A=0.4, B=0.3, alpha=0.6, beta=0.4, D=0.1),
    ),
    Setting(
        "loglinear",
        "the straight line fitted to the published points",
        LogLinear(k=0.59, alpha=0.038, beta=0.0081),
    ),
    Setting(
        "interaction",
        "a product with interaction",
        Interaction(AB=0.6, alpha=0.4, beta=0.1, gamma=0.02, D=0.1),
        quantities=("alpha", "beta", "gamma"),
    ),
    Setting(
        "published",
        "the product fitted to the published points: its floor is 0, the bound",
        Product(0.5908, 0.0709, 0.0151, 0.0),
    ),
    Setting(
        "shared",
        "as product, with noise that all points of a size share",
        WELL,
        sigma=0.003,
        shared=0.003,
    ),
    Setting(
        "offset",
        "as shared, but four fifths of the variance are shared",
        WELL,
        sigma=0.0019,
        shared=0.0038,
    ),
    Setting(
        "own_slope",
        "as product, with a slope in ln V that every size has of its own",
        WELL,
        sigma=0.003,
        slope=0.0015,
    ),
    Setting(
        "v1_off",
        "as product, with noise that all points with V = 1 share",
        WELL,
        sigma=0.003,
        first=0.006,
    ),
    Setting(
        "counts",
        "as product, from 2,000 questions a point",
        WELL,
        sigma=0.0,
        trials=2000,
    ),
]
