"""Shared by all cells: scenes, image features, words, states of questions.

Each is made once and kept in a work folder: features by encoder and images, words and
question states by language model and text.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from vlmcore.data.flags.scenes import FAMILIES, FlagScenes, scenes
from vlmcore.data.flags.world import World, load_world
from vlmcore.experiments.ladder import plan
from vlmcore.experiments.ladder.words import Words, encode, word_embeddings
from vlmcore.files import beside
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.models.language import LanguageModel
from vlmcore.models.vision import CHECKPOINT, VisionEncoder

ENCODER = CHECKPOINT.with_name("clip-flags")
"""The miniature encoder of this experiment."""


class Table(NamedTuple):
    """Words and states of a language model, which stage 1 then need not load."""

    words: Words
    questions: tuple[str, ...]
    states: Tensor
    """float (questions, e)"""

    def state_rows(self, texts: Sequence[str]) -> Tensor:
        """The rows of `states` for some questions, int (n,)."""
        number = {text: row for row, text in enumerate(self.questions)}
        return torch.tensor([number[text] for text in texts])


@lru_cache(maxsize=4)
def family_scenes(family: str, part: str, draw: bool = True) -> FlagScenes:
    """The scenes of a family for training, development or the test.

    Training shows every country that is in any part.
    """
    world = load_world()
    sizes = {
        "test": plan.TEST_QUESTIONS,
        "development": plan.DEVELOPMENT_QUESTIONS,
        "training": plan.TRAIN_SCENES,
    }[part]
    countries = world.part(part) if part != "training" else every_country(world)
    seed = plan.SCENE_SEEDS[part]
    return scenes(world, family, seed, sizes[family], countries, part=part, draw=draw)


def every_country(world: World) -> tuple:
    """All countries whose flag has no near twin."""
    return tuple(country for country in world.countries if not country.twins)


def features(part: str, family: str, work: Path) -> FeatureStore:
    """Image features of a family's scenes."""
    made = family_scenes(family, part)
    assert made.images is not None
    return FeatureStore(VisionEncoder.from_pretrained(ENCODER), made.images, work)


def all_questions() -> tuple[str, ...]:
    """Every question of every part, once."""
    parts = ("training", "development", "test")
    return tuple(
        sorted(
            {
                sample.question
                for part in parts
                for family in FAMILIES
                for sample in family_scenes(family, part, draw=False).samples
            }
        )
    )


def load_language(
    key: str, dtype: torch.dtype = torch.bfloat16, device: str = "cpu"
) -> LanguageModel:
    """A frozen model, in the final runs in bfloat16 on a CPU."""
    name = plan.MODELS[key].name
    language = LanguageModel.from_pretrained(name, dtype=dtype, attention="eager")
    return language.to(device).eval().requires_grad_(False)


def table(key: str, work: Path, language: LanguageModel | None = None) -> Table:
    """Words and question states of a model, read from `work` or made now."""
    path, questions = work / f"table-{key}.safetensors", all_questions()
    if not path.exists():
        language = language or load_language(key)
        words = word_embeddings(language, load_world())
        states = question_states(language, questions)
        with beside(path) as partial:
            save_file({**words._asdict(), "states": states}, partial)
    stored = load_file(path)
    states = stored.pop("states")
    if len(states) != len(questions):
        raise ValueError(
            f"{path} has the states of {len(states)} questions, and there are "
            f"{len(questions)}; delete it, it is made again"
        )
    return Table(Words(**stored), questions, states)


@torch.inference_mode()
def question_states(language: LanguageModel, questions: Sequence[str]) -> Tensor:
    """Last hidden states at the last token of questions, float (n, e) on the CPU."""
    states = []
    for start in range(0, len(questions), 32):
        rows = [encode(language, text) for text in questions[start : start + 32]]
        tokens = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        length = torch.tensor([len(row) for row in rows], device=tokens.device)
        states.append(language.encode_question(tokens, length).float().cpu())
    return torch.cat(states)


def joined(parts: Sequence[FlagScenes]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Glyphs, centres and questions of several families, one after the other."""
    return (
        np.concatenate([part.glyph for part in parts]),
        np.concatenate([part.centre for part in parts]),
        [sample.question for part in parts for sample in part.samples],
    )
