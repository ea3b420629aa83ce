"""The second grid: the same models on every family, and enough training.

    vlmcore sweep run grid2

Each cell is one model of size N with V visual tokens, trained on a mixture of four
families and scored on each. Every seed has its own world and its own tests
(`vlmcore.experiments.tasks.long_tail`). The recipe is a draft: no run of it is planned
yet, and `--held-out` alone should be used until one is.
"""

from itertools import product

from vlmcore.config import (
    CompressorConfig,
    LanguageConfig,
    QueCCConfig,
    TokenPackerConfig,
    VLMConfig,
    replace,
)
from vlmcore.experiments.run_config import RunConfig
from vlmcore.experiments.suites.grid import GRID_TOKENS, language_size
from vlmcore.training.stages import TrainingConfig
from vlmcore.training.trainer import StageConfig

GRID2 = RunConfig(
    training=TrainingConfig(
        StageConfig(6000, 6e-3, batch_size=32), StageConfig(2000, 3e-4, batch_size=32)
    ),
    text=StageConfig(10_000, 5e-3, batch_size=32),
    task="long_tail",
)
"""The recipe of every cell, but for the learning rate of text pre-training."""
GRID2_RATES = {32: 1e-2, 48: 7e-3, 64: 5e-3, 80: 4e-3, 112: 3e-3}
"""The learning rate of text pre-training by width: a first guess, to be replaced by the
best of three on development seeds before the runs are planned."""
HELD_OUT_WIDTH = 112
GRID2_SIZES = tuple(language_size(width) for width in GRID2_RATES)
GRID2_DEPTHS = (language_size(48, 2), language_size(48, 8))
"""Sizes that differ from the second in depth alone."""
GRID2_SEEDS = 3

_Model = tuple[LanguageConfig, CompressorConfig | None, int]


def grid2_runs(held_out: bool = False) -> list[RunConfig]:
    """All cells, one seed of everything before the second of anything.

    In a seed the sizes of QueCC come first, then TokenPacker at three sizes, then blind
    models and the depths.
    """
    quecc, ends = QueCCConfig(), (GRID_TOKENS[0], GRID_TOKENS[-1])
    models: list[_Model] = [
        *product(GRID2_SIZES, [quecc], GRID_TOKENS),
        *product(GRID2_SIZES[::2], [TokenPackerConfig()], GRID_TOKENS),
        *((size, None, 0) for size in GRID2_SIZES),
        *product(GRID2_DEPTHS, [quecc], ends),
    ]
    return [
        grid2_run(*model, seed, held_out=held_out)
        for seed in range(GRID2_SEEDS)
        for model in models
    ]


def grid2_run(
    size: LanguageConfig,
    compressor: CompressorConfig | None,
    visual_tokens: int,
    seed: int = 0,
    *,
    held_out: bool = False,
) -> RunConfig:
    """One cell."""
    model = VLMConfig(language=size, visual_tokens=visual_tokens, compressor=compressor)
    return replace(
        GRID2,
        model=model,
        training=replace(GRID2.training, seed=seed),
        text=replace(GRID2.text, learning_rate=GRID2_RATES[size.width]),
        held_out=held_out,
    )
