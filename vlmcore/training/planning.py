"""The cost of training by a recipe before it starts: operations, hours, memory.

Lengths of conversations are counted in the data where they are at hand; otherwise they
are the recipe's assumptions, and the longest conversation fills the whole length.
"""

import os
from typing import Any, NamedTuple

import numpy as np

from vlmcore.config import Hardware, Recipe, StageName, StageRecipe, replace
from vlmcore.cost import (
    DEVICES,
    Device,
    Spread,
    Texts,
    TrainingMemory,
    parameters,
    training_flops,
    training_memory,
)
from vlmcore.data.chat import TEMPLATES, ChatTemplate, encode, encode_question
from vlmcore.data.conversations import Conversations

USABLE = 0.92
"""Share of a device's memory for tensors; the rest is the driver's, or in gaps."""
_SAMPLE, _LONGEST = 256, 32
_CORE = 45e9
"""FLOP/s of a core, measured on the machine of the book (`book/results/LOG.md`)."""


class Lengths(NamedTuple):
    """Conversations of a stage and their tokens."""

    conversations: int
    mean: Texts
    longest: Texts
    counted: bool
    """Whether they were counted, or are a recipe's assumptions."""


class StagePlan(NamedTuple):
    """The cost of a stage."""

    name: StageName
    steps: int
    lengths: Lengths
    flops: float
    """Of the whole stage."""
    hours: float
    memory: TrainingMemory
    """Of each device."""


def processor(hardware: Hardware) -> Device:
    """A device of a recipe; processes on a CPU share this machine's memory and cores.

    Raises:
        ValueError: it is not known.
    """
    if hardware.device == "cpu":
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
        rate = _CORE * (os.cpu_count() or 1)
        mine = [x / hardware.devices for x in (total, rate, rate)]
        return Device(*mine)
    if hardware.device not in DEVICES:
        raise ValueError(
            f"device {hardware.device!r} is not known; choose from "
            f"{', '.join(DEVICES)}, cpu"
        )
    return DEVICES[hardware.device]


def assumed(stage: StageRecipe, longest: int) -> Lengths:
    """Lengths without the data: a question is a tenth of the text."""
    text = stage.text_tokens
    mean = Texts(text, 0.7 * text, 0.1 * text)
    return Lengths(stage.conversations, mean, Texts(longest, longest, text), False)


def count(
    data: Conversations, stage: StageRecipe, tokenizer: Any, order: str, longest: int
) -> Lengths:
    """Lengths of the data: the mean of a sample, and the most words among all."""
    template = ChatTemplate(TEMPLATES[stage.template])

    def lengths(row: int) -> tuple[int, int, int]:
        conversation = data[row]
        seen = encode(conversation.marked(order), tokenizer, template)
        question = encode_question(conversation.question, tokenizer)
        return len(seen.tokens[:longest]), sum(seen.scored[:longest]), len(question)

    some = np.linspace(0, len(data) - 1, min(_SAMPLE, len(data))).astype(int)
    most = np.argsort(data.words)[-_LONGEST:]
    mean = np.mean([lengths(int(row)) for row in some], axis=0)
    peak = np.max([lengths(int(row)) for row in (*some, *most)], axis=0)
    return Lengths(len(data), Texts(*mean.tolist()), Texts(*peak.tolist()), True)


def steps_of(stage: StageRecipe, conversations: int) -> int:
    """Optimiser steps of a stage; conversations that fill no batch are left out."""
    batches = conversations // min(stage.batch_size, conversations)
    return max(1, round(stage.epochs * batches))


def accumulation(stage: StageRecipe, hardware: Hardware) -> int:
    """Micro-batches of a step on each device.

    Raises:
        ValueError: devices and micro-batches do not share the batch evenly.
    """
    at_once = hardware.total * hardware.micro_batch
    if stage.batch_size % at_once:
        raise ValueError(
            f"a batch of {stage.batch_size} cannot be shared by {hardware.total} "
            f"devices in micro-batches of {hardware.micro_batch}; make batch_size a "
            f"multiple of {at_once}"
        )
    return stage.batch_size // at_once


def plan_stage(recipe: Recipe, name: StageName, lengths: Lengths) -> StagePlan:
    """The cost of a stage."""
    hardware, stage = recipe.hardware, stage_of(recipe, name)
    device = processor(hardware)
    steps = steps_of(stage, lengths.conversations)
    sample = training_flops(
        recipe.model,
        name,
        lengths.mean,
        lora=recipe.lora,
        checkpointed=hardware.checkpoint_activations,
    )
    flops = sample.total * steps * stage.batch_size
    peak = device.single if hardware.precision == "32-true" else device.half
    seconds = flops / (peak * hardware.utilisation * hardware.total)
    sharded = hardware.strategy == "fsdp"
    spread = Spread(
        hardware.micro_batch,
        accumulation(stage, hardware),
        hardware.total if sharded else 1,
        1 if sharded else hardware.total,
        hardware.precision != "32-true",
        hardware.checkpoint_activations,
    )
    memory = training_memory(
        recipe.model, name, lengths.longest, spread, recipe.lora, recipe.four_bit
    )
    return StagePlan(name, steps, lengths, flops, seconds / 3600, memory)


def stage_of(recipe: Recipe, name: StageName) -> StageRecipe:
    """A stage of a recipe."""
    return {"align": recipe.align, "tune": recipe.tune}[name]


def check_memory(recipe: Recipe, plans: list[StagePlan]) -> None:
    """Raises ValueError when a stage does not fit, with what would make it fit."""
    hardware = recipe.hardware
    limit = USABLE * processor(hardware).gigabytes
    worst = max(plans, key=lambda plan: plan.memory.total)
    if (need := worst.memory.total / 1e9) <= limit:
        return
    raise ValueError(
        f"stage {worst.name} needs {need:.1f} GB on each of {hardware.total} "
        f"{hardware.device}, of whose {processor(hardware).gigabytes:.0f} GB "
        f"{limit:.1f} are usable; {_way_out(recipe, plans)}"
    )


def _way_out(recipe: Recipe, plans: list[StagePlan]) -> str:
    """The first change of the hardware's fields with which all stages fit."""
    changes: dict[str, Any] = {}
    more: list[tuple[str, Any]] = [("checkpoint_activations", True), ("micro_batch", 1)]
    if recipe.hardware.device != "cpu":  # whose processes share one memory
        more += [("strategy", "fsdp"), *(("devices", 2**n) for n in range(1, 9))]
    for field, value in more:
        if field == "devices" and value <= recipe.hardware.devices:
            continue
        changes[field] = value
        hardware = replace(recipe.hardware, **changes)
        other = replace(recipe, hardware=hardware)
        try:
            found = [plan_stage(other, plan.name, plan.lengths) for plan in plans]
            check = max(plan.memory.total for plan in found) / 1e9
        except ValueError:
            continue  # the batch cannot be shared so
        if check <= USABLE * processor(hardware).gigabytes:
            differ = {k: v for k, v in changes.items() if v != _now(recipe, k)}
            words = ", ".join(f"{k} = {v!r}" for k, v in differ.items())
            return f"with {words} it needs {check:.1f} GB"
    return (
        "train LoRA matrices (lora) beside weights of four bits (four_bit), or take a "
        "smaller model or a larger device"
    )


def _now(recipe: Recipe, field: str) -> Any:
    return vars(recipe.hardware)[field]


def describe_plan(recipe: Recipe, plans: list[StagePlan]) -> str:
    """The cost of all stages as text."""
    size, hardware = parameters(recipe.model), recipe.hardware
    kind = recipe.model.compressor
    groups = ", ".join(f"{name} {n / 1e6:,.1f}" for name, n in size._asdict().items())
    lines = [
        f"{kind.name if kind else 'no image'}, V = {recipe.model.visual_tokens}: "
        f"{size.total / 1e6:,.1f} million parameters ({groups})",
        f"{hardware.total} {hardware.device} ({hardware.strategy}, "
        f"{hardware.precision}), each assumed to reach "
        f"{100 * hardware.utilisation:.0f} % of its peak"
        + ", the language model in four bits"
        * recipe.four_bit,
    ]
    for name, steps, lengths, flops, hours, memory in plans:
        origin = "counted" if lengths.counted else "assumed"
        fields = list(memory._asdict().items())[:5]
        parts = ", ".join(f"{part} {x / 1e9:.2f}" for part, x in fields)
        lines += [
            f"stage {name}: {lengths.conversations:,} conversations of "
            f"{lengths.mean.text:.0f} text tokens ({origin}), {steps:,} steps",
            f"  {flops:.3g} FLOP, {hours:.3g} hours ({hours * hardware.total:.3g} "
            "device hours)",
            f"  memory of a device: {memory.total / 1e9:.2f} GB at the peak ({parts})",
        ]
    return "\n".join(lines)
