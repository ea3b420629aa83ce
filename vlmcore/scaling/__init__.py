"""Laws of N and V: fitted, given intervals, and used to choose a model.

Nothing here knows of the paper's numbers, and nothing imports torch.
"""

from vlmcore.scaling.choosing import Plan, candidates, plan
from vlmcore.scaling.data_range import DataRange
from vlmcore.scaling.fitting import Criteria, Fit, fit_law
from vlmcore.scaling.forms import Additive, Interaction, LogLinear, Product
from vlmcore.scaling.frontier import frontier
from vlmcore.scaling.intervals import (
    Interval,
    crossed_mean,
    crossed_ratio,
    one_more_seed,
    over_seeds,
    ratio_over_seeds,
    wilson,
)
from vlmcore.scaling.law import Choice, Law
from vlmcore.scaling.leaving_out import Jackknife, hold_out, jackknife
from vlmcore.scaling.points import Points
from vlmcore.scaling.profiles import profile, profile_path
from vlmcore.scaling.quantities import Contrast, fieller, wald
from vlmcore.scaling.resampling import Bootstrap, bootstrap

__all__ = [
    "Additive",
    "Bootstrap",
    "Choice",
    "Contrast",
    "Criteria",
    "DataRange",
    "Fit",
    "Interaction",
    "Interval",
    "Jackknife",
    "Law",
    "LogLinear",
    "Plan",
    "Points",
    "Product",
    "bootstrap",
    "candidates",
    "crossed_mean",
    "crossed_ratio",
    "fieller",
    "fit_law",
    "frontier",
    "hold_out",
    "jackknife",
    "one_more_seed",
    "over_seeds",
    "plan",
    "profile",
    "profile_path",
    "ratio_over_seeds",
    "wald",
    "wilson",
]
