"""The two stages of LLaVA (arXiv 2310.03744): first the compressor learns to speak to a frozen language model, then both are trained.

The vision encoder is frozen throughout, so its features are given, not computed. A
Matryoshka compressor is trained on several V at once: its config says on which in each
step.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vlmcore.config import LoRAConfig, StageName, VLMConfig, to_dict
from vlmcore.data.samples import Batch, Tokens, rows_of_step
from vlmcore.experiments.pretraining.embedding_targets import (
    DescribedBatch,
    SceneTargets,
    embedding_target_loss,
)
from vlmcore.files import beside, read_json, write_json
from vlmcore.models.feature_cache import Features
from vlmcore.models.lora import add_lora, tuned
from vlmcore.models.pretrained.checks import check_safetensors
from vlmcore.models.vision import VisionFeatures
from vlmcore.models.vlm import VLM
from vlmcore.training.trainer import Stage, StageConfig, run


@dataclass(frozen=True)
class TrainingConfig:
    """The two stages of a vision-language model."""

    align: StageConfig = StageConfig(steps=1200, learning_rate=2e-3, batch_size=32)
    """Stage 1: the compressor and its projection learn to speak to a frozen language
    model."""
    tune: StageConfig = StageConfig(steps=1800, learning_rate=1e-3, batch_size=32)
    """Stage 2: the language model is trained too."""
    seed: int = 0
    lora: LoRAConfig | None = None
    """In stage 2, train these matrices beside the language model's own; None trains the
    language model itself."""


class TrainingData(NamedTuple):
    """Samples and the features of their images; `features` is None for a blind model."""

    tokens: Tokens
    features: Features | None
    notes: SceneTargets | None = None
    """What the images show: if given, stage 1 aligns the compressor with these words
    instead of with the answers."""


def fit(
    vlm: VLM,
    data: TrainingData | Sequence[TrainingData],
    config: TrainingConfig,
    folder: str | Path,
    **options: Any,
) -> VLM:
    """Trains a vision-language model through its stages, in place; call it again after an interruption to go on.

    Args:
        vlm: with a compressor as it was built and a language model that knows its
            language.
        data: samples tokenised with answers, and features of their images; of several
            data sets, the steps take turns.
        config: the stages.
        folder: for checkpoints, logs and the weights after each finished stage.
        **options: of `run`.

    Returns:
        The same model, ready to answer.

    Raises:
        ValueError: the folder belongs to another run: other sizes, other stages, or a
            language model that is not the one it began with.
    """
    sets = [data] if isinstance(data, TrainingData) else list(data)
    if vlm.compressor is not None and any(part.features is None for part in sets):
        raise ValueError(
            "this model sees; give features of the images, or build a blind one with "
            "visual_tokens=0 and compressor=None"
        )
    folder = Path(folder)
    for number, (name, stage) in enumerate(_stages(config)):
        if stage.steps == 0 or (name == "align" and vlm.compressor is None):
            continue  # a blind model has nothing to align
        _choose_trained(vlm, config, name)
        weights = folder / f"{name}.safetensors"
        _claim(folder / f"{name}.json", vlm, stage, config, name)
        if name == "align" and (folder / "tune.safetensors").exists():
            # the second stage moved the compressor too, so what it left is all
            continue
        if not weights.exists():
            vlm.train()
            vlm.vision.eval()
            run(
                _stage(vlm, sets, name, stage, (config.seed, number)),
                folder / name,
                **options,
            )
            _save_trained(vlm, weights)
            (folder / name / "resume.ckpt").unlink(missing_ok=True)
        check_safetensors(weights)
        vlm.load_state_dict(
            load_file(weights), strict=False
        )  # the stage's own parameters; `_claim` saw to it that they fit
    return vlm.cpu().eval()


def _stage(
    vlm: VLM,
    sets: Sequence[TrainingData],
    name: StageName,
    stage: StageConfig,
    seed: tuple[int, int],
) -> Stage:
    """What a stage sees at each step, and its loss."""
    if name == "align" and all(part.notes is not None for part in sets):
        pad = vlm.language.tokenizer.pad_token_id
        return Stage(
            vlm,
            embedding_target_loss,
            _in_turn([_described_batches(part, stage, seed, pad) for part in sets]),
            stage,
            seed[0],
        )
    return Stage(
        vlm,
        _vlm_loss,
        _in_turn([_vlm_batches(vlm, part, name, stage, seed) for part in sets]),
        stage,
        seed[0],
    )


def _choose_trained(vlm: VLM, config: TrainingConfig, name: StageName) -> None:
    """Opens the compressor to training, and in the second stage the language model or its adapters."""
    vlm.requires_grad_(False)
    if vlm.compressor is not None:
        vlm.compressor.requires_grad_(True)
    if name == "tune":
        if config.lora is not None:
            torch.manual_seed(config.seed)
            add_lora(vlm.language, config.lora)
        for parameter in tuned(vlm.language):
            parameter.requires_grad_(True)


def language_tokens(
    model: VLMConfig, samples: Tokens | Sequence[Tokens], config: TrainingConfig
) -> int:
    """Tokens that the language model reads in training: text and visual tokens, at every V of a step, and the questions it encodes.

    Args:
        model: with its compressor.
        samples: tokenised; of several data sets, those of each.
        config: the stages.
    """
    sets, total = [samples] if isinstance(samples, Tokens) else samples, 0
    for number, (name, stage) in enumerate(_stages(config)):
        for step in range(
            stage.steps if model.compressor is not None or name == "tune" else 0
        ):
            turn, which = divmod(step, len(sets))
            tokens = sets[which]
            rows = rows_of_step(
                len(tokens.image), stage.batch_size, (config.seed, number), turn
            )
            text = int(tokens.length[rows].sum())
            for v in _tokens_of_step(model, name, (config.seed, number), turn):
                total += text + len(rows) * (model.visual_tokens if v is None else v)
                if model.compressor is not None and model.compressor.sees_question:
                    total += int(tokens.question_length[rows].sum())
    return total


def _stages(config: TrainingConfig) -> tuple[tuple[StageName, StageConfig], ...]:
    return ("align", config.align), ("tune", config.tune)


def _tokens_of_step(
    model: VLMConfig, name: StageName, seed: tuple[int, int], step: int
) -> tuple[int | None, ...]:
    """The V over which the loss of a step is averaged, a pure function of the step; None is the model's own."""
    if model.compressor is None:
        return (None,)
    return model.compressor.training_tokens(
        model.vision.side, name, np.random.default_rng((*seed, step, 1))
    )


def _claim(
    path: Path, vlm: VLM, stage: StageConfig, config: TrainingConfig, name: StageName
) -> None:
    """Writes down whose stage this folder holds, or refuses when it is another's."""
    frozen = hashlib.sha256()
    for part, parameter in vlm.language.named_parameters():
        # trained parameters are replaced by the stage's result, frozen ones must be the
        # same
        if not parameter.requires_grad:
            frozen.update(
                part.encode() + parameter.detach().cpu().float().numpy().tobytes()
            )
    mine = {
        "model": to_dict(vlm.config),
        "stage": to_dict(stage),
        "seed": config.seed,
        "frozen_language": frozen.hexdigest()[:12],
    }
    if name == "tune" and config.lora is not None:
        mine["lora"] = to_dict(config.lora)
    if not path.exists():
        write_json(path, mine)
    theirs = read_json(path)
    if different := [part for part in mine if theirs.get(part) != mine[part]]:
        raise ValueError(
            f"{path.parent} belongs to another run (its {', '.join(different)} "
            "differ); choose another folder or delete it"
        )


class Step(NamedTuple):
    """What a step sees: samples, features of their images, and the V over which the loss is averaged (None is the model's own)."""

    batch: Batch
    features: VisionFeatures | None
    visual_tokens: tuple[int | None, ...]


def _in_turn(makers: Sequence[Callable[[int], Any]]) -> Callable[[int], Any]:
    """What each step sees when several data sets take turns."""
    return lambda step: makers[step % len(makers)](step // len(makers))


def _vlm_loss(vlm: VLM, step: Step) -> Tensor:
    return torch.stack(
        [vlm(step.batch, step.features, v).loss for v in step.visual_tokens]
    ).mean()


def _vlm_batches(
    vlm: VLM,
    data: TrainingData,
    name: StageName,
    stage: StageConfig,
    seed: tuple[int, int],
) -> Callable[[int], Step]:
    def make(step: int) -> Step:
        batch = data.tokens.batch(
            rows_of_step(len(data.tokens.image), stage.batch_size, seed, step)
        )
        features = None if data.features is None else data.features[batch.image]
        return Step(batch, features, _tokens_of_step(vlm.config, name, seed, step))

    return make


def _described_batches(
    data: TrainingData, stage: StageConfig, seed: tuple[int, int], pad: int
) -> Callable[[int], DescribedBatch]:
    assert data.features is not None and data.notes is not None
    features, notes = data.features, data.notes
    says_something = (notes.words != pad).any(2).any(1)

    def make(step: int) -> DescribedBatch:
        rows = rows_of_step(len(data.tokens.image), stage.batch_size, seed, step)
        batch = data.tokens.batch(rows[says_something[data.tokens.image[rows]]])
        return DescribedBatch(
            batch, features[batch.image], notes._replace(words=notes.words[batch.image])
        )

    return make


def _save_trained(model: nn.Module, path: Path) -> None:
    """Writes the trained parameters; those that are one tensor under two names are written once."""
    with beside(path) as partial:
        save_file(
            {
                name: x.detach().cpu().contiguous()
                for name, x in model.named_parameters()
                if x.requires_grad
            },
            partial,
        )
