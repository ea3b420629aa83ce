"""The runs of the ladder, as `book/results/ladder/PLAN.md` registers them."""

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from vlmcore.config import (
    QWEN25,
    SMOLLM2_135M,
    CompressorConfig,
    LanguageConfig,
    QueCCConfig,
    TokenPackerConfig,
    VisionConfig,
    VLMConfig,
)
from vlmcore.models.pretrained.packaged import QWEN_500M, QWEN_1500M, SMOLLM2
from vlmcore.training.trainer import StageConfig


class Pretrained(NamedTuple):
    """A frozen language model."""

    name: str
    """On the hub."""
    sizes: LanguageConfig


MODELS = {
    "smollm2_135m": Pretrained(SMOLLM2, SMOLLM2_135M),
    "qwen_500m": Pretrained(QWEN_500M, QWEN25["0.5B"]),
    "qwen_1500m": Pretrained(QWEN_1500M, QWEN25["1.5B"]),
}
"""By their keys in the ledger, the smallest first."""
COMPRESSORS: dict[str, CompressorConfig] = {
    "tokenpacker": TokenPackerConfig(),
    "quecc": QueCCConfig(),
}
TOKENS = (1, 4, 16, 36)
PERMUTED_TOKENS = (1, 36)
"""V at which images are permuted across questions, with the first seed."""
SEEDS = 3
"""Of stage 1."""

VISION = VisionConfig(image_size=120, patch_size=10)
STAGE = StageConfig(steps=4000, learning_rate=2e-3, batch_size=64)
"""Stage 1 of cells of at most 16 tokens."""
LONGER = StageConfig(steps=8000, learning_rate=2e-3, batch_size=64)
"""Stage 1 of cells of 36 tokens, which have more places to learn."""
LOGIT = 12.0
"""Score of a name's own embedding in stage 1, above that of the mean name."""
TRAIN_SCENES = {"knowledge": 7000, "which": 4000, "count": 2000, "ocr": 5000}
"""By family."""
TEST_QUESTIONS = {"knowledge": 260, "which": 60, "count": 60, "ocr": 120}
"""By family, 500 in all."""
DEVELOPMENT_QUESTIONS = {"knowledge": 96, "which": 24, "count": 24, "ocr": 48}
SCENE_SEEDS = {"test": 101, "development": 102, "training": 103}


@dataclass(frozen=True)
class Cell:
    """One trained compressor in front of one frozen language model."""

    key: str
    """Of `MODELS`."""
    compressor: str
    """Of `COMPRESSORS`."""
    visual_tokens: int
    seed: int = 0

    @property
    def name(self) -> str:
        """Of the result file."""
        v, seed = self.visual_tokens, self.seed
        return f"{self.key}.{self.compressor}.v{v}.seed{seed}"

    @property
    def is_shipped(self) -> bool:
        """Whether its compressor is kept with the results, for readers to try."""
        return self.key == next(iter(MODELS)) and self.seed == 0

    @property
    def stage(self) -> StageConfig:
        """How it is trained."""
        return LONGER if self.visual_tokens == max(TOKENS) else STAGE

    @property
    def config(self) -> VLMConfig:
        """The sizes of its parts."""
        return VLMConfig(
            language=MODELS[self.key].sizes,
            visual_tokens=self.visual_tokens,
            compressor=COMPRESSORS[self.compressor],
            vision=VISION,
            order="question_first",
        )


def cells() -> list[Cell]:
    """All cells: one seed of TokenPacker, one of QueCC, then the other seeds.

    Those of QueCC come last, since the plan gives them up first. It has one seed with
    the largest model.
    """
    order = [("tokenpacker", 0), ("quecc", 0)]
    order += [(c, seed) for c in ("tokenpacker", "quecc") for seed in range(1, SEEDS)]
    return [
        Cell(key, compressor, v, seed)
        for (compressor, seed), key, v in product(order, MODELS, TOKENS)
        if compressor == "tokenpacker" or seed == 0 or key != "qwen_1500m"
    ]
