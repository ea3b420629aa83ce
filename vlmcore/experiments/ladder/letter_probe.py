"""A trained probe of letters: how much of a string V visual tokens carry.

A frozen language model may fail to read letters that its visual tokens hold. This
reader does not depend on the language model: eight queries, one for each letter that a
string can have, attend to the visual tokens of a trained compressor, which stays as it
is. It is trained on the strings that the compressor was trained on.

Axes: b images, v visual tokens, e their width.
"""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlmcore.data.flags.drawing import ALPHABET
from vlmcore.data.flags.scenes import SLOTS, FlagScenes
from vlmcore.data.samples import rows_of_step
from vlmcore.experiments.ladder import shared
from vlmcore.experiments.ladder.plan import Cell
from vlmcore.training.module import Stage
from vlmcore.training.steps import StepData
from vlmcore.training.trainer import StageConfig, run

STAGE = StageConfig(steps=1500, learning_rate=1e-3, batch_size=64)
_WIDTH, _LAYERS, _HEADS = 128, 2, 4


class LetterProbe(nn.Module):
    """Letters of a string, or its end, from visual tokens.

    Args:
        width: of the visual tokens.
        visual_tokens: V.
    """

    def __init__(self, width: int, visual_tokens: int) -> None:
        super().__init__()
        self.read = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, _WIDTH))
        self.position = nn.Parameter(0.02 * torch.randn(visual_tokens, _WIDTH))
        self.slot = nn.Parameter(0.02 * torch.randn(SLOTS, _WIDTH))
        layer = nn.TransformerDecoderLayer(
            _WIDTH, _HEADS, 4 * _WIDTH, 0.0, batch_first=True, norm_first=True
        )
        self.decoder = nn.TransformerDecoder(layer, _LAYERS, nn.LayerNorm(_WIDTH))
        self.letter = nn.Linear(_WIDTH, len(ALPHABET) + 1)

    def forward(self, visual: Tensor) -> Tensor:
        """Logits of each slot, float (b, 8, letters + 1), from tokens (b, v, e)."""
        memory = self.read(visual) + self.position
        slots = self.slot.expand(len(visual), -1, -1)
        return self.letter(self.decoder(slots, memory))


def targets(made: FlagScenes) -> Tensor:
    """Letters by slot, int (n, 8); a slot after the last letter has the number 26."""
    rows = [
        [ALPHABET.index(letter) for letter in sample.answer.split()]
        for sample in made.samples
    ]
    end = len(ALPHABET)
    return torch.tensor([row + [end] * (SLOTS - len(row)) for row in rows])


class _Strings:
    """Scenes of strings, for training or of a part, with features and questions."""

    def __init__(self, part: str, key: str, work: Path) -> None:
        self.made = shared.family_scenes("ocr", part, draw=False)
        self.store = shared.features(part, "ocr", work)
        self.table = shared.table(key, work)

    @torch.no_grad()
    def visual(self, compressor: nn.Module, rows: Tensor) -> Tensor:
        """Visual tokens of some scenes for their questions, float (b, v, e)."""
        questions = [self.made.samples[row].question for row in rows.tolist()]
        states = self.table.states[self.table.state_rows(questions)]
        return compressor(self.store[rows], states)


def read_letters(
    cell: Cell, compressor: nn.Module, part: str, work: Path, **options: Any
) -> list[str]:
    """Trains a probe on a cell's visual tokens; what it reads in a part's scenes.

    Args:
        cell: whose tokens.
        compressor: of the cell, trained.
        part: `test` or `development`.
        work: for features and checkpoints.
        **options: of `trainer.run`.
    """
    torch.manual_seed(cell.seed)
    seen, asked = (_Strings(name, cell.key, work) for name in ("training", part))
    letters = targets(seen.made)

    def make(step: int) -> tuple[Tensor, Tensor]:
        rows = rows_of_step(len(letters), STAGE.batch_size, (cell.seed, 1), step)
        return seen.visual(compressor, rows), letters[rows]

    def loss(probe: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return F.cross_entropy(probe(batch[0]).flatten(0, 1), batch[1].flatten())

    probe = LetterProbe(cell.config.language.width, cell.visual_tokens)
    folder = work / "cells" / cell.name / "letters"
    content = (letters, compressor, [each.store.path.name for each in (seen, asked)])
    run(
        Stage(probe, loss, STAGE, cell.seed),
        StepData(make, content),
        STAGE.steps,
        folder,
        **options,
    )
    with torch.inference_mode():
        every = torch.arange(len(asked.made.samples))
        best = probe.eval()(asked.visual(compressor, every)).argmax(-1)
    return [
        " ".join(ALPHABET[int(i)] for i in row if int(i) < len(ALPHABET))
        for row in best
    ]
