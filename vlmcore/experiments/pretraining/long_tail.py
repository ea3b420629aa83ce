"""Text pre-training for the second grid: facts with a long tail, and how to look up.

Batches of the four families take turns as in the first grid's curriculum. Every batch
has scenes of its own, which are never repeated, and in every other scene the scene
tokens come after the first question instead of before it.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from vlmcore.config import LanguageConfig, replace
from vlmcore.data.samples import Sample, Tokens
from vlmcore.data.synthetic.long_tail import (
    LONG_TAIL_TEXT,
    composed,
    long_tail_facts,
)
from vlmcore.data.synthetic.scenes import Scenes
from vlmcore.data.synthetic.task_families import knowledge, ocr, reasoning
from vlmcore.data.synthetic.vocabulary import SCENE_WORDS
from vlmcore.experiments.pretraining.curriculum import (
    CURRICULUM_TOKENS,
    one_text_a_scene,
    tokenize_scenes,
)
from vlmcore.experiments.pretraining.scene_tokens import SceneBatch, text_loss
from vlmcore.models.language import LanguageModel, word_tokenizer
from vlmcore.training.module import Stage
from vlmcore.training.steps import StepData
from vlmcore.training.trainer import StageConfig, run

LONG_TAIL_TURNS = ("knowledge", "composed", "knowledge", "binding", "composed", "ocr")
"""The family of each step, in turn."""
LONG_TAIL_QUESTIONS = 8
"""Questions about a scene, one after the other."""
_BLOCK = 4096
"""Scenes that are drawn at a time."""


def pretrain_on_long_tail(
    folder: str | Path,
    config: LanguageConfig,
    stage: StageConfig,
    world: tuple[int, ...],
    seed: int = 0,
    **options: Any,
) -> LanguageModel:
    """Trains a language model from nothing on the facts and the scenes of a world.

    Args:
        folder: for logs and the checkpoint of an interrupted run.
        config: sizes; the vocabulary becomes the words of the world.
        stage: steps, batch and learning rate.
        world: the seed of its facts and of its scenes.
        seed: of the weights.
        **options: of `trainer.run`.
    """
    torch.manual_seed(seed)
    tokenizer = word_tokenizer([*SCENE_WORDS, *LONG_TAIL_TEXT])
    sizes = replace(config, vocab_size=len(tokenizer))
    model = LanguageModel.from_config(sizes, tokenizer)
    batches = long_tail_batches(tokenizer, world, stage.batch_size)
    module = Stage(model, text_loss, stage, seed)
    first = [batches(step) for step in range(len(LONG_TAIL_TURNS))]
    content = (first, long_tail_facts((*world, 1)))
    run(module, StepData(batches, content), stage.steps, folder, **options)
    return model.cpu().eval()


def family_makers(world: tuple[int, ...]) -> dict[str, Callable[..., Scenes]]:
    """The scenes of each family of a world, by the seed of the scenes."""
    known = long_tail_facts((*world, 1))
    return {
        "knowledge": partial(knowledge, facts=known.facts),
        "composed": partial(composed, known=known),
        "binding": partial(reasoning, facts=known.facts),
        "ocr": ocr,
    }


def long_tail_batches(
    tokenizer: PreTrainedTokenizerBase, world: tuple[int, ...], batch_size: int
) -> Callable[[int], SceneBatch]:
    """Returns the function from a step's number to its batch."""
    makers, steps = family_makers(world), _BLOCK // batch_size

    @lru_cache(maxsize=len(makers))
    def block(name: str, number: int) -> tuple[Tokens, Tensor, int]:
        questions = LONG_TAIL_QUESTIONS
        seed = (*world, 2, number + 1)
        scenes = makers[name](seed, count=_BLOCK, questions=questions, draw=False)
        texts = one_text_a_scene(scenes.samples, tokenizer)
        after = _after_first_question(scenes.samples)
        texts = texts._replace(image_at=texts.image_at + after)
        return texts, tokenize_scenes(scenes, tokenizer), scenes.position_words

    def make(step: int) -> SceneBatch:
        turn, place = divmod(step, len(LONG_TAIL_TURNS))
        name = LONG_TAIL_TURNS[place]
        batches = LONG_TAIL_TURNS.count(name)
        number = turn * batches + LONG_TAIL_TURNS[:place].count(name)
        which, index = divmod(number, steps)
        texts, words, position_words = block(name, which)
        rows = torch.arange(index * batch_size, (index + 1) * batch_size)
        tokens = CURRICULUM_TOKENS[number % len(CURRICULUM_TOKENS)]
        return SceneBatch(texts.batch(rows), words[rows], tokens, position_words)

    return make


def _after_first_question(samples: Sequence[Sample]) -> Tensor:
    """Words of the first question about every other scene, 0 for the others."""
    first = {sample.image: sample for sample in reversed(samples)}
    return torch.tensor(
        [len(first[i].question.split()) * (i % 2) for i in range(len(first))]
    )
