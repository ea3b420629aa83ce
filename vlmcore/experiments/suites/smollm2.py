"""SmolLM2-135M behind one token of QueCC: frozen first, then fine-tuned with LoRA.

    vlmcore sweep run real

9 runs; `book/results/LOG.md` has their times.
"""

from vlmcore.config import SMOLLM2_135M, LoRAConfig, VLMConfig, replace
from vlmcore.experiments.run_config import RunConfig
from vlmcore.models.pretrained.packaged import SMOLLM2
from vlmcore.training.stages import TrainingConfig
from vlmcore.training.trainer import StageConfig

REAL = RunConfig(
    VLMConfig(language=SMOLLM2_135M),
    TrainingConfig(
        StageConfig(600, 2e-3, batch_size=32),
        StageConfig(300, 5e-4, batch_size=32),
        lora=LoRAConfig(),
    ),
    embedding_targets=True,
    pretrained=SMOLLM2,
)
"""Stage 1 with embedding targets while the language model is frozen, stage 2 with LoRA
(`book/results/LOG.md`)."""


def real_runs(held_out: bool = False) -> list[RunConfig]:
    """easy-VQA at V = 1 with three seeds, blind, at V = 4 and 16, question first.

    Facts about words are asked of SmolLM2 and of a miniature: the same stages, at the
    lengths that a miniature takes for easy-VQA, and no LoRA.
    """
    one = REAL.model
    models = [
        (one, 0),
        (replace(one, visual_tokens=0, compressor=None), 0),
        (one, 1),
        (one, 2),
        (replace(one, visual_tokens=4), 0),
        (replace(one, visual_tokens=16), 0),
        (replace(one, order="question_first"), 0),
    ]
    runs = [
        replace(REAL, model=model, training=replace(REAL.training, seed=seed))
        for model, seed in models
    ]
    facts = [
        replace(run, task="word_facts")
        for run in (REAL, RunConfig(embedding_targets=True))
    ]
    return [replace(run, held_out=held_out) for run in (*runs[:2], *facts, *runs[2:])]
