"""V from blind to uncompressed on easy-VQA: the runs behind the first chapter's figure.

    vlmcore sweep run easyvqa

18 runs; `book/results/LOG.md` has their times.
"""

from vlmcore.config import CompressorConfig, PoolConfig, QueCCConfig, VLMConfig, replace
from vlmcore.experiments.run_config import RunConfig
from vlmcore.training.stages import TrainingConfig

_Model = tuple[CompressorConfig | None, int]


def easyvqa_runs(held_out: bool = False) -> list[RunConfig]:
    """QueCC where it compresses and a plain projection at V = 144, three seeds each.

    The headline runs come first, and one seed of everything before the second of
    anything.
    """
    headline: list[_Model] = [(QueCCConfig(), 1), (None, 0)]
    others: list[_Model] = [(QueCCConfig(), v) for v in (4, 16, 36)]
    others.append((PoolConfig(), 144))
    models = [(model, seed) for model in headline for seed in range(3)]
    models += [(model, seed) for seed in range(3) for model in others]
    return [
        RunConfig(
            VLMConfig(visual_tokens=v, compressor=compressor),
            replace(TrainingConfig(), seed=seed),
            held_out=held_out,
        )
        for (compressor, v), seed in models
    ]
