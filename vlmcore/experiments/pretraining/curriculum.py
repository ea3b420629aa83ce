"""Text pre-training for the grid: the facts of its world, and how to look things up.

Batches of the three families alternate: scene tokens, then several questions with their
answers ("song bavu tree nite ..."). Scene tokens (`scene_tokens`) come in several
sizes, since a compressor too will write about several cells at once. Every size of
model reads the same text in the same order, so what a larger model knows more is due to
its size.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

from vlmcore.config import LanguageConfig, Order, replace
from vlmcore.data.samples import IGNORE, Sample, Tokens, rows_of_step, tokenize
from vlmcore.data.synthetic.icons import Facts, facts
from vlmcore.data.synthetic.scenes import Scenes
from vlmcore.data.synthetic.task_families import knowledge, ocr, reasoning
from vlmcore.data.synthetic.vocabulary import CONTENT_WORDS, SCENE_WORDS, TEXT_WORDS
from vlmcore.experiments.pretraining.scene_tokens import (
    SceneBatch,
    embed_scenes,
    text_loss,
    word_tokens,
)
from vlmcore.models.language import LanguageModel, word_tokenizer
from vlmcore.models.splicing import splice
from vlmcore.training.module import Stage
from vlmcore.training.steps import StepData
from vlmcore.training.trainer import StageConfig, run

CURRICULUM_SCENES = 20_000
"""Scenes of each family."""
CURRICULUM_QUESTIONS = {"knowledge": 8, "reasoning": 6, "ocr": 8}
"""Questions about a scene, one after the other."""
CURRICULUM_TURNS = ("knowledge", "reasoning", "knowledge", "reasoning", "ocr")
"""The family of each step, in turn."""
CURRICULUM_TOKENS = (1, 4, 16, 36)
"""Numbers of scene tokens, in turn."""


def pretrain_on_curriculum(
    folder: str | Path,
    config: LanguageConfig,
    stage: StageConfig,
    world: int,
    seed: int = 0,
    **options: Any,
) -> LanguageModel:
    """Trains a language model from nothing on the facts and the scenes of a world.

    Args:
        folder: for logs and the checkpoint of an interrupted run.
        config: sizes; the vocabulary becomes the words of the world.
        stage: steps, batch and learning rate.
        world: the seed of its facts.
        seed: of weights, scenes and order.
        **options: of `trainer.run`.
    """
    torch.manual_seed(seed)
    tokenizer = word_tokenizer([*SCENE_WORDS, *TEXT_WORDS])
    sizes = replace(config, vocab_size=len(tokenizer))
    model = LanguageModel.from_config(sizes, tokenizer)
    batches = curriculum_batches(tokenizer, facts(world), stage.batch_size, seed)
    module = Stage(model, text_loss, stage, seed)
    first = [batches(step) for step in range(len(CURRICULUM_TURNS))]
    content = (first, facts(world), CURRICULUM_SCENES, CURRICULUM_QUESTIONS)
    run(module, StepData(batches, content), stage.steps, folder, **options)
    return model.cpu().eval()


def curriculum_batches(
    tokenizer: PreTrainedTokenizerBase, known: Facts, batch_size: int, seed: int
) -> Callable[[int], SceneBatch]:
    """Returns the function from a step's number to its batch.

    Args:
        tokenizer: of the language model.
        known: the facts of the world.
        batch_size: scenes of a step.
        seed: of scenes and order.
    """
    mark, count, questions = (seed, 1), CURRICULUM_SCENES, CURRICULUM_QUESTIONS
    scenes = {
        "knowledge": knowledge(
            mark, count, known, questions=questions["knowledge"], draw=False
        ),
        "reasoning": reasoning(
            mark, count, known, questions=questions["reasoning"], draw=False
        ),
        "ocr": ocr(mark, count, questions=questions["ocr"], draw=False),
    }
    texts = {name: one_text_a_scene(s.samples, tokenizer) for name, s in scenes.items()}
    words = {name: tokenize_scenes(s, tokenizer) for name, s in scenes.items()}

    def make(step: int) -> SceneBatch:
        turn, place = divmod(step, len(CURRICULUM_TURNS))
        name = CURRICULUM_TURNS[place]
        rows = rows_of_step(count, batch_size, (seed, place), turn)
        tokens = CURRICULUM_TOKENS[turn % len(CURRICULUM_TOKENS)]
        batch, position_words = texts[name].batch(rows), scenes[name].position_words
        return SceneBatch(batch, words[name][rows], tokens, position_words)

    return make


@torch.inference_mode()
def answers_from_scene_tokens(
    language: LanguageModel,
    scenes: Scenes,
    tokens: int,
    order: Order = "image_first",
    batch_size: int = 512,
) -> list[str]:
    """The first word of a language model's answer to each question about scene tokens.

    Args:
        language: the model.
        scenes: with their questions.
        tokens: scene tokens of a scene.
        order: whether they come before the question, as in pre-training, or after it.
        batch_size: questions of a step.
    """
    texts = tokenize(scenes.samples, language.tokenizer, order, answers=False)
    words = tokenize_scenes(scenes, language.tokenizer)
    device, answers = next(language.parameters()).device, list[int]()
    for rows in torch.arange(len(scenes.samples)).split(batch_size):
        batch = texts.batch(rows).to(device)
        of_scenes = words[texts.image[rows]].to(device)
        scene = embed_scenes(language, of_scenes, tokens, scenes.position_words)
        spliced = splice(language.embed(batch.text), scene, batch)
        answers += language.next_token(spliced.embeddings, spliced.length).tolist()
    return language.tokenizer.batch_decode([[token] for token in answers])


def tokenize_scenes(scenes: Scenes, tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """Descriptions as tokens, int (n, cells, w), with padding for none."""
    return word_tokens(scenes.descriptions, SCENE_WORDS, tokenizer)


def tokenize_contents(tokenizer: PreTrainedTokenizerBase) -> tuple[Tensor, ...]:
    """Tokens of the words that may fill a cell, one tensor for each kind of content."""
    groups = (tokenizer.convert_tokens_to_ids(list(group)) for group in CONTENT_WORDS)
    return tuple(torch.tensor(group) for group in groups)


def one_text_a_scene(
    samples: Sequence[Sample], tokenizer: PreTrainedTokenizerBase
) -> Tokens:
    """All questions about a scene in one text, each once and with its answer.

    Answers and the end token are labelled.
    """
    known, start, end = (
        tokenizer.get_vocab(),
        tokenizer.bos_token_id,
        tokenizer.eos_token_id,
    )
    texts, labels = [], []
    for _, of_scene in groupby(samples, key=lambda sample: sample.image):
        once = dict.fromkeys((sample.question, sample.answer) for sample in of_scene)
        parts = [
            part for pair in once for part in zip(pair, (False, True), strict=True)
        ]
        words = [(known[word], label) for text, label in parts for word in text.split()]
        tokens, labelled = zip((start, False), *words, (end, True), strict=True)
        text = torch.tensor(tokens, dtype=torch.int32)
        texts.append(text)
        labels.append(text.where(torch.tensor(labelled), IGNORE))
    first = torch.ones(len(texts), dtype=torch.long)
    padded = pad_sequence(texts, batch_first=True, padding_value=tokenizer.pad_token_id)
    length = torch.tensor([len(text) for text in texts])
    labels_padded = pad_sequence(labels, batch_first=True, padding_value=IGNORE)
    scene = torch.arange(len(texts))
    return Tokens(scene, padded, labels_padded, length, first, padded[:, :1], first)
