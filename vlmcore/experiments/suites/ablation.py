"""An ablation of the grid's training, at its middle size with QueCC.

    vlmcore sweep run ablation

48 runs; the other side of each comparison is in the grid.
"""

from itertools import product

from vlmcore.config import QueCCConfig, replace
from vlmcore.experiments import FAMILIES
from vlmcore.experiments.run_config import RunConfig
from vlmcore.experiments.suites.comparison import COMPARISON
from vlmcore.experiments.suites.grid import GRID_SIZES, GRID_TOKENS, grid_run, longer


def ablation_runs(held_out: bool = False) -> list[RunConfig]:
    """One mixture of all families, other stage-1 losses, no stage 1; three seeds.

    The mixture has three times the steps, so that each family gets as many as alone.
    One seed of everything comes before the second of anything.
    """
    middle, quecc, runs = GRID_SIZES[2], QueCCConfig(), list[RunConfig]()
    for seed in range(3):
        for v in GRID_TOKENS:
            run = grid_run("mixture", middle, quecc, v, seed, held_out=held_out)
            runs.append(longer(run))
        for v, task in product((1, 16), FAMILIES):
            run = grid_run(task, middle, quecc, v, seed, held_out=held_out)
            runs += [_language_modelling(run), _without_stage_1(run)]
    return runs


def _language_modelling(run: RunConfig) -> RunConfig:
    """Stage 1 with the language-modelling loss, which needs a lower learning rate."""
    rate = COMPARISON.training.align.learning_rate
    align = replace(run.training.align, learning_rate=rate)
    training = replace(run.training, align=align)
    return replace(run, embedding_targets=False, training=training)


def _without_stage_1(run: RunConfig) -> RunConfig:
    """All steps in stage 2."""
    align, tune = run.training.align, run.training.tune
    at_once = replace(COMPARISON.training.tune, steps=align.steps + tune.steps)
    training = replace(run.training, align=replace(align, steps=0), tune=at_once)
    return replace(run, training=training)
