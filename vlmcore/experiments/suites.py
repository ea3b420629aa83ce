"""The lists of runs behind the book's tables and figures, and the sizes at which a chapter can be run."""

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import NamedTuple

from vlmcore.config import (
    SMOLLM2_135M,
    CompressorConfig,
    LanguageConfig,
    LoRAConfig,
    M3Config,
    MLPConfig,
    MQTConfig,
    Order,
    PoolConfig,
    PruMergeConfig,
    QueCCConfig,
    TokenPackerConfig,
    VLMConfig,
    replace,
)
from vlmcore.experiments import FAMILIES
from vlmcore.experiments.run_config import RunConfig
from vlmcore.models.pretrained import smollm2
from vlmcore.training.stages import TrainingConfig
from vlmcore.training.trainer import StageConfig

COMPARISON_TOKENS, ABLATION_TOKENS = (1, 4, 16), (1, 4)
COMPARISON_TASKS: tuple[str, ...] = ("letters", "attribute")
COMPARISON = RunConfig(
    training=TrainingConfig(
        StageConfig(500, 2e-3, batch_size=32), StageConfig(700, 1e-3, batch_size=32)
    ),
    text=StageConfig(steps=900, learning_rate=3e-3),
)
"""The recipe of every run of the race; its length was chosen on held-out worlds
(`book/results/LOG.md`)."""

REAL = RunConfig(
    VLMConfig(language=SMOLLM2_135M),
    TrainingConfig(
        StageConfig(600, 2e-3, batch_size=32),
        StageConfig(300, 5e-4, batch_size=32),
        lora=LoRAConfig(),
    ),
    embedding_targets=True,
    pretrained=smollm2.NAME,
)
"""SmolLM2 behind one token of QueCC: aligned by words while it is frozen, then tuned by
LoRA (`book/results/LOG.md`)."""

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
    if len({question, nonlinear, learned})
    == 2  # with all three it is QueCC, with none TokenPacker, and both race anyway
)


def language_size(width: int, depth: int | None = None) -> LanguageConfig:
    """A language model of the ladder: heads of 16, a layer for every 16 channels unless `depth` says otherwise."""
    return LanguageConfig(
        width=width,
        depth=depth or width // 16,
        heads=width // 16,
        mlp_width=8 * width // 3,
    )


def preset(name: str, run: RunConfig = RunConfig()) -> RunConfig:
    """A run at one of the sizes of a chapter: `smoke` in seconds, `cpu` as in the pages, `gpu` with batches of 256.

    Raises:
        ValueError: there is no such size.
    """
    changes: dict[str, dict[str, int]] = {
        "smoke": {"steps": 20},
        "cpu": {},
        "gpu": {"batch_size": 256},
    }
    if name not in changes:
        raise ValueError(
            f"there is no preset {name!r}; choose from {', '.join(changes)}"
        )
    change = changes[name]
    align, tune = (
        replace(stage, **change) for stage in (run.training.align, run.training.tune)
    )
    return replace(
        run,
        training=replace(run.training, align=align, tune=tune),
        text=replace(run.text, **change),
    )


LADDER = tuple(language_size(width) for width in (32, 48, 64, 80, 112))
"""The sizes of the grid: N from 25,000 to a million at one aspect ratio."""
GRID_TOKENS = (1, 4, 16, 36)
GRID = RunConfig(
    training=TrainingConfig(
        StageConfig(1200, 6e-3, batch_size=32), StageConfig(400, 3e-4, batch_size=32)
    ),
    text=StageConfig(5000, 5e-3, batch_size=32),
)
"""The recipe of every cell; a language model's learning rate at school is that of the
smallest, divided as its width is multiplied."""


class GridPlan(NamedTuple):
    """What a grid is made of: its sizes, and the recipe of every cell."""

    recipe: RunConfig
    ladder: tuple[LanguageConfig, ...]
    """Sizes at one aspect ratio, the smallest first."""
    depths: tuple[LanguageConfig, ...]
    """Sizes that differ from the middle rung in depth alone, and so have visual tokens
    of the same width."""


ON_CPU = GridPlan(GRID, LADDER, (language_size(64, 2), language_size(64, 8)))
ON_GPU = GridPlan(
    preset("gpu", GRID),
    tuple(language_size(width) for width in (64, 96, 144, 176, 240)),
    (language_size(144, 4), language_size(144, 18)),
)
"""Ten times the N of each rung, within a quarter: heads of 16 allow no width between.
Its first rung is the other's third.

With batches of 256 that one learns all 128 relations from text: *knowledge* needs more
of them before the whole is worth running.
"""

_Cell = tuple[LanguageConfig, CompressorConfig | None, int, int]


def easyvqa_runs(held_out: bool = False) -> list[RunConfig]:
    """V from blind to uncompressed on easy-VQA, three seeds each: QueCC where it compresses, plain projection at 144.

    The headline runs come first, and one seed of everything before the second of
    anything.
    """
    headline: list[tuple[CompressorConfig | None, int]] = [
        (QueCCConfig(), 1),
        (None, 0),
    ]
    others: list[tuple[CompressorConfig | None, int]] = [
        *((QueCCConfig(), v) for v in (4, 16, 36)),
        (PoolConfig(), 144),
    ]
    models = [(model, seed) for model in headline for seed in range(3)] + [
        (model, seed) for seed in range(3) for model in others
    ]
    return [
        RunConfig(
            VLMConfig(visual_tokens=v, compressor=compressor),
            replace(TrainingConfig(), seed=seed),
            held_out=held_out,
        )
        for (compressor, v), seed in models
    ]


def comparison_runs(held_out: bool = False) -> list[RunConfig]:
    """Every compressor at V = 1, 4 and 16, the uncompressed model, and QueCC's ablations at V = 1 and 4, on both worlds, three seeds.

    One seed of everything before the second of anything; the ablations last.
    """
    race = [UNCOMPRESSED, *product(METHODS, COMPARISON_TOKENS)]
    models = [
        (model, seed)
        for group in (race, [*product(ABLATIONS, ABLATION_TOKENS)])
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


def grid_runs(held_out: bool = False, plan: GridPlan = ON_CPU) -> list[RunConfig]:
    """The grid: N over a factor of forty, V from 1 to 36, on three families, each tuned from the same text checkpoint.

    The order is that of importance, one seed of everything before the second of
    anything (`book/results/grid/PLAN.md`): QueCC and TokenPacker (at three sizes), then
    two more seeds of QueCC at V = 1 and 36; then blind models, uncompressed ones, the
    other order of image and question, sizes that differ in depth alone, and longer
    training.
    """
    ladder, middle = plan.ladder, plan.ladder[2]
    models: list[tuple[LanguageConfig, CompressorConfig]] = [
        *product(ladder, [QueCCConfig()]),
        *product(ladder[::2], [TokenPackerConfig()]),
    ]
    main: list[_Cell] = [
        (*model, v, seed)
        for seed in range(3)
        for model, v in product(models, GRID_TOKENS)
    ]
    main += [
        (size, QueCCConfig(), v, seed)
        for seed in (3, 4)
        for size in ladder
        for v in (GRID_TOKENS[0], GRID_TOKENS[-1])
    ]
    blind: list[_Cell] = [(size, None, 0, seed) for seed in range(3) for size in ladder]
    uncompressed: list[_Cell] = [
        (size, *UNCOMPRESSED, seed) for seed in range(3) for size in ladder[:1]
    ]
    depths: list[_Cell] = [
        (size, QueCCConfig(), v, seed)
        for seed in range(3)
        for size in plan.depths
        for v in (1, 36)
    ]
    turned: list[_Cell] = [
        (middle, QueCCConfig(), v, seed) for seed in range(3) for v in GRID_TOKENS
    ]
    cells: list[tuple[_Cell, Order]] = [
        (cell, "image_first") for cell in (*main, *blind, *uncompressed)
    ]
    cells += [
        *((cell, "question_first") for cell in turned),
        *((cell, "image_first") for cell in depths),
    ]
    cell_run = partial(grid_run, held_out=held_out, recipe=plan.recipe)
    runs = [cell_run(task, *cell, order) for cell, order in cells for task in FAMILIES]
    return runs + [
        longer(cell_run("ocr", middle, c, 4, seed))
        for seed in range(3)
        for c in (QueCCConfig(), TokenPackerConfig())
    ]


def ablation_runs(held_out: bool = False) -> list[RunConfig]:
    """What the grid's recipe is for, at its middle size with QueCC: other ways to the same end, with three seeds.

    All three families in one mixture, with three times the steps, so that each gets as
    many as alone; aligned by answers; not aligned at all. The other side of each
    comparison is in the grid. One seed of everything before the second of anything.
    """
    middle, runs = LADDER[2], list[RunConfig]()
    for seed in range(3):
        runs += [
            longer(
                grid_run("mixture", middle, QueCCConfig(), v, seed, held_out=held_out)
            )
            for v in GRID_TOKENS
        ]
        for v, task in product((1, 16), FAMILIES):
            run = grid_run(task, middle, QueCCConfig(), v, seed, held_out=held_out)
            align, tune = run.training.align, run.training.tune
            answers = replace(
                align, learning_rate=COMPARISON.training.align.learning_rate
            )  # what is right for words is too fast here
            at_once = replace(COMPARISON.training.tune, steps=align.steps + tune.steps)
            runs += [
                replace(
                    run,
                    embedding_targets=False,
                    training=replace(run.training, align=answers),
                ),
                replace(
                    run,
                    training=replace(
                        run.training, align=replace(align, steps=0), tune=at_once
                    ),
                ),
            ]
    return runs


def longer(run: RunConfig, times: int = 3) -> RunConfig:
    """The same run with several times the steps: is it the token's width that limits it, or the time?"""
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
        learning_rate=recipe.text.learning_rate * LADDER[0].width / size.width,
    )
    return replace(
        recipe,
        model=model,
        training=replace(recipe.training, seed=seed),
        text=text,
        held_out=held_out,
        task=task,
    )


def real_runs(held_out: bool = False) -> list[RunConfig]:
    """SmolLM2 on easy-VQA at V = 1 with three seeds, blind, at V = 4 and 16, with the question first; and what it knows of words.

    The words are asked of a miniature too: the same stages, at the lengths that a
    miniature takes for easy-VQA, and no LoRA.
    """
    one = REAL.model
    models = [
        (one, 0),
        (replace(one, visual_tokens=0, compressor=None), 0),
        (one, 1),
        (one, 2),
    ]
    models += [
        (replace(one, visual_tokens=4), 0),
        (replace(one, visual_tokens=16), 0),
        (replace(one, order="question_first"), 0),
    ]
    runs = [
        replace(
            REAL,
            model=model,
            training=replace(REAL.training, seed=seed),
            held_out=held_out,
        )
        for model, seed in models
    ]
    words = [
        replace(run, task="word_facts", held_out=held_out)
        for run in (REAL, RunConfig(embedding_targets=True))
    ]
    return [*runs[:2], *words, *runs[2:]]


EXPERIMENTS: dict[str, Callable[[bool], list[RunConfig]]] = {
    "easyvqa": easyvqa_runs,
    "comparison": comparison_runs,
    "grid": grid_runs,
    "ablation": ablation_runs,
    "grid-gpu": partial(grid_runs, plan=ON_GPU),
    "real": real_runs,
}
NEEDS_GPU = frozenset({"grid-gpu"})
"""Experiments for which a CPU is too slow."""
