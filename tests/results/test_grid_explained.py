"""What chapter 19 says about exposures, bounds, suites and forms."""

import pytest

from vlmcore.data.synthetic.icons import facts
from vlmcore.experiments.analysis.binding_bound import binding_bound
from vlmcore.experiments.analysis.exposures import (
    exposures,
    exposures_until_known,
    facts_asked,
)
from vlmcore.experiments.analysis.scaling_grid import Grid
from vlmcore.experiments.suites.grid import GRID
from vlmcore.experiments.tasks import family_scenes
from vlmcore.experiments.tasks.synthetic import world_seed

pytestmark = [pytest.mark.results, pytest.mark.slow]
WORLD = facts(world_seed(held_out=False))


def test_larger_models_need_fewer_exposures_and_the_largest_two_as_many(results):
    asked = facts_asked(family_scenes("knowledge", test=True, draw=False), WORLD)
    exposed = exposures(WORLD, GRID.text, 0)[asked]
    cells = Grid(results / "grid").main_cells("knowledge", "quecc")
    cells = cells.query("seed == 0 and visual_tokens == 16").sort_values("params")
    half = [exposures_until_known(exposed, wrong) for wrong in cells["wrong"]]
    assert half == pytest.approx([151.2, 42.4, 37.4, 24.5, 26.1], rel=0.01)
    wrong = cells["wrong"].iloc[-1] > 0
    assert (exposed[wrong] < 50).mean() > 0.95 > 0.3 > (exposed < 50).mean()


def test_the_bound_on_binding_is_below_every_error(results):
    scenes = family_scenes("reasoning", test=True, draw=False)
    bounds = {v: binding_bound(scenes, WORLD, v).mean() for v in (1, 4, 16)}
    assert list(bounds.values()) == pytest.approx([0.4088, 0.1188, 0], abs=1e-4)
    cells = Grid(results / "grid").main_cells("reasoning", "quecc")
    for v, bound in bounds.items():
        assert cells.loc[cells["visual_tokens"] == v, "error"].min() > bound


def test_a_suite_has_the_ratio_of_its_weights(numbers):
    ratios = [
        numbers[f"grid.suite.knowledge{weight}.quecc.ratio"].value
        for weight in (90, 80, 50)
    ]
    assert ratios == pytest.approx([7.10, 3.66, 1.33], abs=0.01)


def test_probabilities_multiply_in_reasoning_alone(numbers):
    for task in ("knowledge", "reasoning", "ocr"):
        errors, probabilities = (
            numbers[f"grid.{task}.quecc.{form}.deviation"].value
            for form in ("errors_multiply", "see_and_know")
        )
        assert (probabilities < errors) == (task == "reasoning")
