"""Training by a recipe: from a file or a name to a trained model.

    recipe = read_recipe("recipe.toml")
    train_recipe(recipe, "out")

A file names one of `vlmcore.config.BASE` and what differs from it, as TOML or JSON:

    recipe = "quecc-qwen2.5-0.5b"
    [model]
    visual_tokens = 4
    [tune]
    data = "llava_v1_5_mix665k.json"
    images = "images"
"""

import json
import tomllib
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.utilities.rank_zero import rank_zero_only
from transformers import AutoConfig

from vlmcore.config import (
    BASE,
    MLPConfig,
    Recipe,
    StageName,
    StageRecipe,
    from_dict,
    replace,
    to_dict,
)
from vlmcore.config.validation import as_path, check_choice, check_kind
from vlmcore.data.conversations import Conversations, TarShards
from vlmcore.models.language import LanguageModel
from vlmcore.models.language_families import check_family, from_transformers
from vlmcore.models.lora import merge_lora
from vlmcore.models.pretrained import find, find_checkpoint
from vlmcore.models.pretrained.tokenizer import read_tokenizer
from vlmcore.models.vision import VisionEncoder
from vlmcore.models.vlm import VLM
from vlmcore.training.conversations import ConversationData
from vlmcore.training.data import STAGES
from vlmcore.training.planning import (
    StagePlan,
    accumulation,
    assumed,
    check_memory,
    count,
    plan_stage,
    stage_of,
    steps_of,
)
from vlmcore.training.sharding import sharding_strategy
from vlmcore.training.stages import TrainingConfig, fit
from vlmcore.training.trainer import StageConfig


def read_recipe(config: str | Path) -> Recipe:
    """A recipe by its name, or from a file.

    Paths in a file count from the working directory. The sizes of an encoder and a
    language model that lie in a folder are read from it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a field is not known, or a value cannot be used.
    """
    if config in BASE:
        return BASE[str(config)]
    path = as_path("config", config)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is no file and no recipe; the recipes are {', '.join(BASE)}"
        )
    text = path.read_text()
    try:
        fields = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read: {error}; write TOML") from error
    check_kind(str(path), fields, dict, "give the fields of a recipe")
    name = fields.pop("recipe", None)
    check_choice(f"recipe of {path}", name, BASE)
    merged = _merge(to_dict(BASE[name]), fields)
    merged["model"] |= _own_sizes(merged)
    return from_dict(Recipe, merged)


def _merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A nested dict with some entries changed; a compressor of another name is new."""
    merged = dict(base)
    for name, value in changes.items():
        old = merged.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            other = value.get("name") not in (None, old.get("name"))
            value = value if other else _merge(old, value)
        merged[name] = value
    return merged


def _own_sizes(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields of the model's config: the sizes of parts that lie in folders."""
    sizes: dict[str, Any] = {}
    if Path(fields["language"]).is_dir():
        theirs = AutoConfig.from_pretrained(find_checkpoint(fields["language"]))
        check_family(theirs.model_type)
        sizes["language"] = to_dict(from_transformers(theirs))
    if Path(fields["vision"]).is_dir():
        vision = VisionEncoder.from_pretrained(fields["vision"]).config
        sizes["vision"] = to_dict(vision)
        if fields["model"]["compressor"]["name"] == MLPConfig.name:
            sizes["visual_tokens"] = vision.patches
    return sizes


def open_data(recipe: Recipe) -> dict[StageName, Conversations]:
    """The conversations of both stages; raises as `open_conversations`."""
    return {name: open_conversations(stage_of(recipe, name), name) for name in STAGES}


def open_conversations(stage: StageRecipe, name: StageName) -> Conversations:
    """The conversations of a stage.

    Raises:
        FileNotFoundError: the recipe names no file, or there is none.
    """
    if stage.data is None or not Path(stage.data).is_file():
        raise FileNotFoundError(
            f"stage {name} has no data ({stage.data} is no file); give data and images "
            f"under [{name}] in a recipe file"
        )
    return Conversations(stage.data, _images(stage))


def _images(stage: StageRecipe) -> Any:
    if stage.images is None:
        return None
    shards = sorted(Path(stage.images).glob("*.tar"))
    return TarShards(shards) if shards else stage.images


def plan_recipe(
    recipe: Recipe, data: dict[StageName, Conversations] | None = None
) -> list[StagePlan]:
    """The cost of each stage.

    Args:
        recipe: what to train.
        data: conversations whose lengths are counted; without them, the recipe's
            assumptions hold.
    """
    plans = []
    for name in STAGES:
        stage = stage_of(recipe, name)
        if recipe.model.compressor is None and name == "align":
            continue
        if data is None:
            lengths = assumed(stage, recipe.longest)
        else:
            tokenizer = read_tokenizer(find(recipe.language))
            order = recipe.model.order
            lengths = count(data[name], stage, tokenizer, order, recipe.longest)
        plans.append(plan_stage(recipe, name, lengths))
    return plans


def build(recipe: Recipe) -> VLM:
    """The model before training: two pretrained parts and a new compressor."""
    vision = VisionEncoder.from_pretrained(recipe.vision)
    language = LanguageModel.from_pretrained(recipe.language, four_bit=recipe.four_bit)
    if recipe.hardware.checkpoint_activations:
        language.checkpoint_activations()
    torch.manual_seed(recipe.seed)
    return VLM.from_parts(recipe.model, vision, language)


def train_recipe(
    recipe: Recipe,
    out: str | Path,
    data: dict[StageName, Conversations] | None = None,
    **options: Any,
) -> VLM:
    """Trains a model through both stages and writes it to `out/model`.

    A run that was killed goes on from its last checkpoint in `out`.

    Args:
        recipe: what to train.
        out: folder of checkpoints, logs and the trained model.
        data: conversations by stage; opened from the recipe's files if None.
        **options: of `vlmcore.fit`, such as `logger` and `checkpoint_every`.

    Raises:
        FileNotFoundError: data or a checkpoint are missing.
        ValueError: it does not fit into memory, or `out` belongs to another run.
    """
    out = as_path("out", out)
    if data is None:
        data = open_data(recipe)
    check_memory(recipe, plan_recipe(recipe, data))
    check_devices(recipe)
    vlm = build(recipe)
    for name in STAGES:
        stage = stage_of(recipe, name)
        sets = ConversationData(data[name], vlm, stage.template, recipe.longest)
        validation = None
        if stage.validation is not None:
            asked = Conversations(stage.validation, _images(stage))
            validation = ConversationData(asked, vlm, stage.template, recipe.longest)
        options = {**_spread(recipe, stage), "validation": validation, **options}
        fit(vlm, sets, training_config(recipe, name, len(data[name])), out, **options)
    merge_lora(vlm.language)
    rank_zero_only(vlm.save_pretrained)(out / "model")
    return vlm


def training_config(
    recipe: Recipe, name: StageName, conversations: int
) -> TrainingConfig:
    """One stage of a recipe for `fit`; the other one has no steps."""
    stage = stage_of(recipe, name)
    mine = StageConfig(
        steps_of(stage, conversations),
        stage.learning_rate,
        stage.batch_size,
        stage.warmup,
        stage.compressor_learning_rate,
        stage.mean_per_device,
    )
    stages = {other: replace(mine, steps=0) for other in STAGES} | {name: mine}
    return TrainingConfig(stages["align"], stages["tune"], recipe.seed, recipe.lora)


def check_devices(recipe: Recipe) -> None:
    """Raises ValueError when this machine has not the devices of a recipe."""
    hardware, here = recipe.hardware, torch.cuda.device_count()
    if hardware.device != "cpu" and here < hardware.devices:
        raise ValueError(
            f"the recipe trains on {hardware.devices} {hardware.device} of each node, "
            f"and this machine has {here} CUDA devices; change devices and device "
            'under [hardware] (device = "cpu" needs none)'
        )


def _spread(recipe: Recipe, stage: StageRecipe) -> dict[str, Any]:
    """Options of the Trainer."""
    hardware = recipe.hardware
    options: dict[str, Any] = {
        "devices": hardware.devices,
        "num_nodes": hardware.num_nodes,
        "accelerator": "cpu" if hardware.device == "cpu" else "gpu",
        "precision": hardware.precision,
        "accumulate_grad_batches": accumulation(stage, hardware),
        "workers": hardware.workers,
    }
    if hardware.total > 1 and hardware.strategy == "fsdp":
        options["strategy"] = sharding_strategy(hardware.devices, hardware.num_nodes)
    elif hardware.total > 1:
        options["strategy"] = "ddp"
    return options
