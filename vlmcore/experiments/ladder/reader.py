"""A frozen language model that sees through a trained compressor, for any scene."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from vlmcore.data.flags.scenes import FlagScenes
from vlmcore.data.flags.world import load_world
from vlmcore.experiments.ladder import shared
from vlmcore.experiments.ladder.plan import Cell
from vlmcore.experiments.ladder.prompts import answer, exact_pictures, group, pick
from vlmcore.experiments.ladder.words import nearest_flag, word_embeddings
from vlmcore.models.compressors import build_compressor
from vlmcore.models.language import LanguageModel
from vlmcore.models.vision import VisionEncoder


class Reader:
    """Looks at scenes that are drawn, and answers their questions.

    Args:
        cell: what was trained.
        compressor: of the cell, as from `shipped_compressor` or `cells.train`.
        language: of the cell, frozen, on any device.
    """

    def __init__(
        self, cell: Cell, compressor: nn.Module, language: LanguageModel
    ) -> None:
        self.cell, self.compressor, self.language = cell, compressor, language
        self.vision = VisionEncoder.from_pretrained(shared.ENCODER)
        self.words = word_embeddings(language, load_world())

    @torch.inference_mode()
    def visual_tokens(self, made: FlagScenes) -> Tensor:
        """Visual tokens of each scene for its question, float (n, V, e).

        Raises:
            ValueError: the scenes are only described, not drawn.
        """
        if made.images is None:
            raise ValueError("these scenes have no images; make them with draw=True")
        questions = [sample.question for sample in made.samples]
        states = shared.question_states(self.language, questions)
        return self.compressor(self.vision(made.images), states)

    def answers(self, made: FlagScenes) -> list[str]:
        """The first line that the language model says about each scene."""
        visual, v = self.visual_tokens(made), self.cell.visual_tokens
        kinds = np.array([group(sample.kind) for sample in made.samples])
        texts = np.empty(len(kinds), object)
        for kind in dict.fromkeys(kinds.tolist()):
            rows = np.flatnonzero(kinds == kind).tolist()
            pictures = exact_pictures(self.words, visual[rows], kind, v)
            texts[rows] = answer(self.language, kind, pick(made, rows), pictures)
        return [text.strip() for text in texts]

    def nearest(self, made: FlagScenes) -> list[str]:
        """The country whose name is nearest to the token that holds the asked flag."""
        visual, countries = self.visual_tokens(made), load_world().countries
        flags = nearest_flag(visual, self.words, made, len(countries))
        return [countries[flag].name for flag in flags.tolist()]


def shipped_compressor(cell: Cell, results: str | Path) -> nn.Module:
    """The compressor of a cell that is kept with the results.

    Raises:
        FileNotFoundError: it is not there.
    """
    folder = Path(results) / "compressors"
    path = folder / f"{cell.name}.safetensors"
    if not path.exists():
        kept = ", ".join(sorted(each.stem for each in folder.glob("*.safetensors")))
        raise FileNotFoundError(
            f"{folder} has no compressor of {cell.name}; it has {kept or 'none'}"
        )
    compressor: Any = build_compressor(cell.config)
    compressor.load_state_dict(load_file(path))
    return compressor.eval().requires_grad_(False)
