"""LLaVA's two stages (arXiv 2310.03744): the compressor alone, then the model.

In stage 1 the compressor learns to write for a frozen language model; in stage 2 the
language model is trained too. The vision encoder is frozen throughout, so its features
are given, not computed.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.strategies import Strategy
from safetensors.torch import load_file, save_file
from torch import Tensor

from vlmcore.config import LoRAConfig, StageName, VLMConfig
from vlmcore.config.validation import as_path, check_kind, whole
from vlmcore.data.samples import Tokens, rows_of_step
from vlmcore.files import beside, read_json, refuse_other, write_json
from vlmcore.models.lora import add_lora
from vlmcore.models.pretrained.checks import check_safetensors
from vlmcore.models.vlm import VLM
from vlmcore.training.data import (
    STAGES,
    DataSet,
    Objective,
    TrainingData,
    VQADataModule,
    as_sets,
)
from vlmcore.training.module import VLMModule
from vlmcore.training.parts import check_precision, tokens_of_step
from vlmcore.training.sharding import whole_tensor
from vlmcore.training.trainer import OTHER_FOLDER, StageConfig, run, run_made_of

_LOADING = {"validation", "workers"}
"""Options of `fit` that are those of a `VQADataModule`."""


@dataclass(frozen=True)
class TrainingConfig:
    """The two stages of a vision-language model."""

    align: StageConfig = StageConfig(steps=1200, learning_rate=2e-3, batch_size=32)
    """Stage 1: the compressor is trained, with a frozen language model."""
    tune: StageConfig = StageConfig(steps=1800, learning_rate=1e-3, batch_size=32)
    """Stage 2: the language model is trained too."""
    seed: int = 0
    lora: LoRAConfig | None = None
    """In stage 2, train these matrices beside the language model's own; None trains the
    language model itself."""

    def __post_init__(self) -> None:
        for name in STAGES:
            check_kind(name, vars(self)[name], StageConfig, "give a StageConfig")
        object.__setattr__(self, "seed", whole("seed", self.seed, 0))
        check_kind("lora", self.lora, LoRAConfig | None, "give a LoRAConfig or None")

    def stages(self, *, blind: bool) -> list[tuple[StageName, StageConfig]]:
        """The stages that have steps; a blind model has nothing to align."""
        steps = {name: vars(self)[name].steps for name in STAGES}
        steps["align"] *= not blind
        return [(name, vars(self)[name]) for name in STAGES if steps[name]]


def fit(
    vlm: VLM,
    data: DataSet | Sequence[DataSet],
    config: TrainingConfig,
    folder: str | Path,
    *,
    alignment: Objective | None = None,
    **options: Any,
) -> VLM:
    """Trains a vision-language model through its stages, in place.

    A run that was killed goes on from its last checkpoint when it is called again with
    the same model, data and options. A model that a finished stage has trained goes on
    with the next one.

    Args:
        vlm: with an untrained compressor and a pre-trained language model.
        data: samples tokenised with answers, and features of their images; of several
            data sets, the steps take turns.
        config: the stages.
        folder: for checkpoints, logs and the weights after each finished stage.
        alignment: the loss of stage 1 and its batches; by default the
            language-modelling loss of the answers.
        **options: `validation` and `workers` of a `VQADataModule`, and those of `run`,
            such as `devices`, `precision`, `logger` and `callbacks`.

    Returns:
        The same model, in evaluation mode.

    Raises:
        ValueError: the folder belongs to another run: of other data, starting weights,
            sizes, stages, options or version of torch. Or a sample has no label or
            image, the loss is not finite, or half precision would be trained.
    """
    sets, folder = _checked(vlm, data, config), as_path("folder", folder)
    loading = {name: options.pop(name) for name in _LOADING & options.keys()}
    for name, stage in config.stages(blind=vlm.compressor is None):
        if name == "tune" and config.lora is not None:
            torch.manual_seed(config.seed)
            add_lora(vlm.language, config.lora)
        common: Any = {"stage": name, "seed": config.seed}
        common["objective"] = alignment if name == "align" else None
        batches = VQADataModule(sets, stage, **common, **loading)
        _fit_stage(VLMModule(vlm, stage, **common), batches, folder, options)
    return vlm.cpu().eval()


def _checked(vlm: VLM, data: Any, config: TrainingConfig) -> list[DataSet]:
    """The data sets, if all of them go with the model and its training."""
    check_kind("vlm", vlm, VLM, "give a VLM")
    check_kind("config", config, TrainingConfig, "give a TrainingConfig")
    if config.tune.steps and config.lora is None:  # before stage 1, not after it
        check_precision(vlm.language.parameters())
    sets = as_sets(data)
    blind = (x.features is None for x in sets if isinstance(x, TrainingData))
    if vlm.compressor is not None and any(blind):
        raise ValueError(
            "this model sees; give features of the images, or build a blind one with "
            "visual_tokens=0 and compressor=None"
        )
    return sets


def _fit_stage(
    module: VLMModule, batches: VQADataModule, folder: Path, options: dict[str, Any]
) -> None:
    """Trains one stage, or loads its weights if `folder` has them."""
    vlm, name, steps = module.model, module.stage, module.config.steps
    weights = folder / f"{name}.safetensors"
    made_of = run_made_of(module, batches, steps, **options)
    _claim(folder / f"{name}.json", weights, vlm, made_of)
    if not weights.exists():
        options = {**options, "made_of": made_of}
        if isinstance(strategy := options.get("strategy"), Strategy):
            options["strategy"] = deepcopy(strategy)  # one belongs to one Trainer
        trainer = run(module, batches, steps, folder / name, **options)
        trained = _whole_weights(module, trainer)
        if trainer.is_global_zero:
            with beside(weights) as partial:
                save_file(trained, partial)
            (folder / name / "resume.ckpt").unlink(missing_ok=True)
        trainer.strategy.barrier()
    check_safetensors(weights)
    # the parameters of this stage only; `_claim` has checked that they fit
    vlm.load_state_dict(load_file(weights), strict=False)


def language_tokens(
    model: VLMConfig, samples: Tokens | Sequence[Tokens], config: TrainingConfig
) -> int:
    """Tokens that the language model reads in training.

    They are the text, the visual tokens at every V of a step, and the questions that a
    question-aware compressor has it encode.

    Args:
        model: with its compressor.
        samples: tokenised; of several data sets, those of each.
        config: the stages.
    """
    sets, total = [samples] if isinstance(samples, Tokens) else samples, 0
    for name, stage in config.stages(blind=model.compressor is None):
        for step in range(stage.steps):
            turn, which = divmod(step, len(sets))
            tokens, seeds = sets[which], (config.seed, STAGES.index(name))
            rows = rows_of_step(len(tokens.image), stage.batch_size, seeds, turn)
            text = int(tokens.length[rows].sum())
            for v in tokens_of_step(model, name, config.seed, turn):
                total += text + len(rows) * (model.visual_tokens if v is None else v)
                if model.compressor is not None and model.compressor.sees_question:
                    total += int(tokens.question_length[rows].sum())
    return total


def _claim(path: Path, weights: Path, vlm: VLM, made_of: dict[str, Any]) -> None:
    """Records what a stage is made of, or refuses the folder of another run.

    Args:
        path: of the record.
        weights: file of the stage's result, which may be there.
        vlm: before the stage, or after it.
        made_of: as `run_made_of` gives it.
    """
    if not path.exists() and not weights.exists():
        write_json(path, made_of)
    theirs = read_json(path) if path.exists() else {}
    if weights.exists() and _holds(vlm, weights) and "starting weights" in theirs:
        made_of = {**made_of, "starting weights": theirs["starting weights"]}
    refuse_other(theirs, made_of, path, OTHER_FOLDER)


def _holds(vlm: VLM, weights: Path) -> bool:
    """Whether a model has the result of a stage."""
    check_safetensors(weights)
    mine = dict(vlm.named_parameters())
    return all(
        name in mine and torch.equal(mine[name].detach().cpu(), x)
        for name, x in load_file(weights).items()
    )


def _whole_weights(module: VLMModule, trainer: pl.Trainer) -> dict[str, Tensor]:
    """The trained parameters by name, on the first process.

    One tensor under two names is there once. All processes ask for it, where the
    weights are sharded.
    """
    state, names = (
        trainer.strategy.lightning_module_state_dict(),
        module.trained_names(),
    )
    return {
        name.removeprefix("model."): whole_tensor(x).contiguous()
        for name, x in state.items()
        if name in names
    }
