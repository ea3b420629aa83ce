"""The grid of model sizes N and visual tokens V.

    vlmcore sweep run grid
    vlmcore sweep run grid-gpu

480 runs: N over a factor of forty and V from 1 to 36 on three families, each tuned
from the same text checkpoint. `vlmcore sweep plan grid` estimates their time.
"""

from functools import partial
from itertools import product
from typing import NamedTuple

from vlmcore.config import (
    CompressorConfig,
    LanguageConfig,
    Order,
    QueCCConfig,
    TokenPackerConfig,
    VLMConfig,
    replace,
)
from vlmcore.experiments import FAMILIES
from vlmcore.experiments.run_config import RunConfig, preset
from vlmcore.experiments.suites.comparison import UNCOMPRESSED
from vlmcore.training.stages import TrainingConfig
from vlmcore.training.trainer import StageConfig


def language_size(width: int, depth: int | None = None) -> LanguageConfig:
    """A miniature with heads of 16 channels and, by default, a layer for each 16."""
    return LanguageConfig(
        width=width,
        depth=depth or width // 16,
        heads=width // 16,
        mlp_width=8 * width // 3,
    )


GRID_SIZES = tuple(language_size(width) for width in (32, 48, 64, 80, 112))
"""The sizes of the grid: N from 25,000 to a million at one aspect ratio."""
GRID_TOKENS = (1, 4, 16, 36)
GRID = RunConfig(
    training=TrainingConfig(
        StageConfig(1200, 6e-3, batch_size=32), StageConfig(400, 3e-4, batch_size=32)
    ),
    text=StageConfig(5000, 5e-3, batch_size=32),
)
"""The recipe of every cell. The learning rate of text pre-training is that of the
smallest size and falls as 1 / width."""


class GridPlan(NamedTuple):
    """The sizes of a grid and the recipe of every cell."""

    recipe: RunConfig
    sizes: tuple[LanguageConfig, ...]
    """Sizes at one aspect ratio, the smallest first."""
    depths: tuple[LanguageConfig, ...]
    """Sizes that differ from the middle one in depth alone, and so have visual tokens
    of the same width."""


ON_CPU = GridPlan(GRID, GRID_SIZES, (language_size(64, 2), language_size(64, 8)))
ON_GPU = GridPlan(
    preset("gpu", GRID),
    tuple(language_size(width) for width in (64, 96, 144, 176, 240)),
    (language_size(144, 4), language_size(144, 18)),
)
"""About ten times the N of each size: heads of 16 channels allow no width between. Its
smallest size is the third of the CPU's grid.

With batches of 256 that size learns all 128 relations from text, so *knowledge* needs
more relations before the whole grid is worth running.
"""

_Cell = tuple[LanguageConfig, CompressorConfig | None, int, int]


def grid_runs(held_out: bool = False, plan: GridPlan = ON_CPU) -> list[RunConfig]:
    """All cells of the grid, the most important first (`book/results/grid/PLAN.md`).

    One seed of everything comes before the second of anything: QueCC and TokenPacker
    (at three sizes), two more seeds of QueCC at the smallest and largest V; then blind
    and uncompressed models, the question first, sizes that differ in depth alone, and
    longer training.
    """
    cell_run = partial(grid_run, held_out=held_out, recipe=plan.recipe)
    middle = plan.sizes[2]
    runs = [
        cell_run(task, *cell, order)
        for cell, order in _cells(plan.sizes, plan.depths)
        for task in FAMILIES
    ]
    return runs + [
        longer(cell_run("ocr", middle, compressor, 4, seed))
        for seed in range(3)
        for compressor in (QueCCConfig(), TokenPackerConfig())
    ]


def _cells(
    sizes: tuple[LanguageConfig, ...], depths: tuple[LanguageConfig, ...]
) -> list[tuple[_Cell, Order]]:
    """Size, compressor, V, seed and order of each cell of one family."""
    quecc, ends = QueCCConfig(), (GRID_TOKENS[0], GRID_TOKENS[-1])
    models: list[tuple[LanguageConfig, CompressorConfig]] = [
        *product(sizes, [quecc]),
        *product(sizes[::2], [TokenPackerConfig()]),
    ]
    seeds = range(3)
    image_first: list[_Cell] = [
        *(
            (*model, v, seed)
            for seed in seeds
            for model, v in product(models, GRID_TOKENS)
        ),
        *((size, quecc, v, seed) for seed in (3, 4) for size in sizes for v in ends),
        *((size, None, 0, seed) for seed in seeds for size in sizes),
        *((sizes[0], *UNCOMPRESSED, seed) for seed in seeds),
    ]
    question_first = [(sizes[2], quecc, v, seed) for seed in seeds for v in GRID_TOKENS]
    by_depth = [
        (size, quecc, v, seed) for seed in seeds for size in depths for v in ends
    ]
    return [
        *((cell, "image_first") for cell in image_first),
        *((cell, "question_first") for cell in question_first),
        *((cell, "image_first") for cell in by_depth),
    ]


def longer(run: RunConfig, times: int = 3) -> RunConfig:
    """The same run with several times the steps, to tell width from training time."""
    align, tune = (
        replace(stage, steps=times * stage.steps)
        for stage in (run.training.align, run.training.tune)
    )
    return replace(run, training=replace(run.training, align=align, tune=tune))


def grid_run(
    task: str,
    size: LanguageConfig,
    compressor: CompressorConfig | None,
    visual_tokens: int,
    seed: int = 0,
    order: Order = "image_first",
    *,
    held_out: bool = False,
    recipe: RunConfig = GRID,
) -> RunConfig:
    """One cell of the grid."""
    model = VLMConfig(
        language=size, visual_tokens=visual_tokens, compressor=compressor, order=order
    )
    text = replace(
        recipe.text,
        learning_rate=recipe.text.learning_rate * GRID_SIZES[0].width / size.width,
    )
    return replace(
        recipe,
        model=model,
        training=replace(recipe.training, seed=seed),
        text=text,
        held_out=held_out,
        task=task,
    )
