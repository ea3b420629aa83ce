"""Laws of N and V: fitted, judged, and used to decide what to buy. Nothing here knows of the paper's numbers, and nothing imports torch."""

from vlmcore.scaling.fitting import Criteria, Fit, fit
from vlmcore.scaling.forms import Additive, Interaction, LogLinear, Product
from vlmcore.scaling.frontier import frontier
from vlmcore.scaling.law import Choice, Law
from vlmcore.scaling.points import Points

__all__ = ["Additive", "Choice", "Criteria", "Fit", "Interaction", "Law", "LogLinear", "Points", "Product", "fit", "frontier"]
