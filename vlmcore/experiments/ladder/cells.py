"""One cell: a compressor is trained for a frozen language model, which then answers.

Stage 1 alone, towards the exact targets (`words`); the language model runs when it
answers. Letters that it may fail to read are read by a trained probe too
(`letter_probe`). A cell that is interrupted goes on from its last checkpoint, and from
the last kind of question that was answered.
"""

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vlmcore.data.flags.scenes import FAMILIES, FlagScenes
from vlmcore.data.flags.world import load_world
from vlmcore.data.samples import rows_of_step
from vlmcore.experiments.ladder import plan, shared
from vlmcore.experiments.ladder.letter_probe import read_letters
from vlmcore.experiments.ladder.plan import Cell
from vlmcore.experiments.ladder.prompts import mark
from vlmcore.experiments.ladder.scoring import Asked, ask, points, scored
from vlmcore.experiments.ladder.words import held, name_loss, nearest_flag
from vlmcore.files import beside, read_json, write_json
from vlmcore.models.compressors import build_compressor
from vlmcore.models.vision import VisionFeatures
from vlmcore.training.module import Stage
from vlmcore.training.steps import StepData
from vlmcore.training.trainer import run


class _Step(NamedTuple):
    features: VisionFeatures
    states: Tensor
    counts: Tensor


class _Scenes:
    """Training scenes of all families in one order, with features."""

    def __init__(self, work: Path) -> None:
        parts = [shared.family_scenes(f, "training", draw=False) for f in FAMILIES]
        self.stores = [shared.features("training", f, work) for f in FAMILIES]
        glyph, centre, self.questions = shared.joined(parts)
        self.glyph, self.centre = torch.from_numpy(glyph), torch.from_numpy(centre)
        self.starts = np.cumsum([0, *map(len, self.stores)])

    def features(self, rows: Tensor) -> VisionFeatures:
        """Features of scenes, in the order of `rows`."""
        layers = torch.empty(len(rows), *self.stores[0].arrays[0].shape[1:])
        family = np.searchsorted(self.starts, rows.numpy(), side="right") - 1
        for number, store in enumerate(self.stores):
            mine = torch.from_numpy(np.flatnonzero(family == number))
            if len(mine):
                layers[mine] = store[rows[mine] - int(self.starts[number])].layers
        return VisionFeatures(layers)


def train(cell: Cell, work: Path, **options: Any) -> nn.Module:
    """The trained compressor of a cell, from `work` if it is there.

    Args:
        cell: what to train.
        work: for features, tables, checkpoints and weights.
        **options: of `trainer.run`.
    """
    torch.manual_seed(cell.seed)
    compressor: Any = build_compressor(cell.config)
    folder = work / "cells" / cell.name
    weights = folder / "compressor.safetensors"
    if not weights.exists():
        table, data = shared.table(cell.key, work), _Scenes(work)
        states = table.states[table.state_rows(data.questions)]
        size, v, names = cell.stage.batch_size, cell.visual_tokens, table.words.names

        def make(step: int) -> _Step:
            rows = rows_of_step(len(data.glyph), size, (cell.seed,), step)
            counts = held(data.glyph[rows], data.centre[rows], v, len(names))
            return _Step(data.features(rows), states[rows], counts)

        def loss(model: nn.Module, step: _Step) -> Tensor:
            words = table.words.to(step.counts.device)
            visual = words.middle + words.scale * model(step.features, step.states)
            return name_loss(visual, words, step.counts, plan.LOGIT)

        module = Stage(compressor, loss, cell.stage, cell.seed)
        content = (table.words, states, data.glyph, data.centre, v, plan.LOGIT)
        batches = StepData(make, (content, [store.path.name for store in data.stores]))
        half: Any = {"precision": "bf16-mixed", **options}
        run(module, batches, cell.stage.steps, folder, **half)
        last, words = compressor.cpu().projection[-1], table.words
        last.weight.data *= words.scale
        last.bias.data.mul_(words.scale).add_(words.middle)
        with beside(weights) as partial:
            save_file(compressor.state_dict(), partial)
    compressor.load_state_dict(load_file(weights))
    return compressor.eval().requires_grad_(False)


@torch.inference_mode()
def visual_tokens(cell: Cell, part: str, family: str, work: Path) -> Tensor:
    """Visual tokens of a family's scenes for their questions, float (n, V, e)."""
    compressor, table = train(cell, work), shared.table(cell.key, work)
    made = shared.family_scenes(family, part)
    seen = shared.features(part, family, work)[torch.arange(len(made.samples))]
    rows = table.state_rows([sample.question for sample in made.samples])
    return compressor(seen, table.states[rows])


def run_cell(
    cell: Cell, part: str, results: Path, work: Path, command: str
) -> dict[str, Any]:
    """Trains and scores a cell, or reads its result.

    Args:
        cell: which.
        part: `test`, or `development` for trial runs.
        results: folder of the result files.
        work: folder for what can be made again.
        command: written into the result.
    """
    path = results / f"{cell.name}.json"
    if path.exists():
        return read_json(path)
    started = time.perf_counter()
    options: Any = {"progress": False, "accelerator": "cpu"}
    compressor = train(cell, work, **options)
    trained = time.perf_counter()
    letters = read_letters(cell, compressor, part, work, **options)
    read = time.perf_counter()
    language = shared.load_language(cell.key)
    asked = Asked(language, cell.visual_tokens, part, work)
    families = {family: _answered(cell, asked, family) for family in FAMILIES}
    families["letters"] = scored(letters, shared.family_scenes("ocr", part, draw=False))
    result = {
        "name": cell.name,
        **vars(cell),
        "part": part,
        "prompt": mark(),
        "families": families,
        "seconds": {
            "train": round(trained - started, 1),
            "letters": round(read - trained, 1),
            "test": round(time.perf_counter() - read, 1),
        },
        "threads": torch.get_num_threads(),
        "command": command,
    }
    if cell.is_shipped:
        with beside(results / "compressors" / f"{cell.name}.safetensors") as partial:
            save_file(compressor.to(torch.bfloat16).state_dict(), partial)
    write_json(path, result)
    return result


def _answered(cell: Cell, asked: Asked, family: str) -> dict[str, Any]:
    """Answers about a family, and of some cells about permuted images too."""
    visual = visual_tokens(cell, asked.part, family, asked.work)
    made = shared.family_scenes(family, asked.part, draw=False)
    found = ask(asked, made, visual, cell.name, family)
    found |= _seeing(cell, made, visual, asked.work)
    if cell.seed == 0 and cell.visual_tokens in plan.PERMUTED_TOKENS:
        order = np.random.default_rng(0).permutation(len(visual))
        answers = ask(asked, made, visual[order], f"{cell.name}.permuted", family)
        found["permuted"] = {**answers, "shown": order.tolist()}
    return found


def _seeing(cell: Cell, made: FlagScenes, visual: Tensor, work: Path) -> dict[str, Any]:
    """Whether the asked flag's token is nearest to its own name, by question."""
    if (made.asked < 0).any():
        return {}
    words, flags = shared.table(cell.key, work).words, len(load_world().countries)
    nearest = nearest_flag(visual, words, made, flags)
    right = nearest == torch.from_numpy(made.asked)
    return {"seen": points([float(each) for each in right])}
