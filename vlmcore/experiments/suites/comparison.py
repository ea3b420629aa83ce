"""The compressor comparison: every method on the tasks *letters* and *attribute*.

    vlmcore sweep run comparison

186 runs; `book/results/LOG.md` has their times.
"""

from itertools import product

from vlmcore.config import (
    CompressorConfig,
    M3Config,
    MLPConfig,
    MQTConfig,
    PoolConfig,
    PruMergeConfig,
    QueCCConfig,
    TokenPackerConfig,
    VLMConfig,
    replace,
)
from vlmcore.experiments.run_config import RunConfig
from vlmcore.training.stages import TrainingConfig
from vlmcore.training.trainer import StageConfig

COMPARISON = RunConfig(
    training=TrainingConfig(
        StageConfig(500, 2e-3, batch_size=32), StageConfig(700, 1e-3, batch_size=32)
    ),
    text=StageConfig(steps=900, learning_rate=3e-3),
)
"""The recipe of every run; its length was chosen on held-out data
(`book/results/LOG.md`)."""
COMPARISON_TASKS = ("letters", "attribute")
COMPARISON_TOKENS, ABLATION_TOKENS = (1, 4, 16), (1, 4)

UNCOMPRESSED: tuple[CompressorConfig, int] = (MLPConfig(), VLMConfig().vision.patches)
METHODS: tuple[CompressorConfig, ...] = (
    PoolConfig(),
    M3Config(scales=(1, 4, 16, 36, 144)),
    MQTConfig(queries=36, heads=4),
    TokenPackerConfig(),
    QueCCConfig(),
    PruMergeConfig(),
)
ABLATIONS = tuple(
    QueCCConfig(
        inject_question=question,
        nonlinear_query=nonlinear,
        learned_downsampling=learned,
    )
    for question, nonlinear, learned in product((True, False), repeat=3)
    if len({question, nonlinear, learned}) == 2
)
"""QueCC with one or two of its three changes to TokenPacker. With all three it is QueCC
and with none TokenPacker, which are among the methods."""


def comparison_runs(held_out: bool = False) -> list[RunConfig]:
    """Every method at V = 1, 4, 16 and the ablations at V = 1, 4, with three seeds.

    One seed of everything comes before the second of anything; ablations come last.
    """
    methods = [UNCOMPRESSED, *product(METHODS, COMPARISON_TOKENS)]
    models = [
        (model, seed)
        for group in (methods, [*product(ABLATIONS, ABLATION_TOKENS)])
        for seed in range(3)
        for model in group
    ]
    return [
        replace(
            COMPARISON,
            model=VLMConfig(visual_tokens=v, compressor=compressor),
            training=replace(COMPARISON.training, seed=seed),
            held_out=held_out,
            task=task,
        )
        for (compressor, v), seed in models
        for task in COMPARISON_TASKS
    ]
