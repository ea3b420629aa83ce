"""School for the miniature language models of the grid: what is true, and how to look things up, both from text alone.

Lessons of the three families alternate: notes about a scene, then several questions
with their answers ("song bavu tree nite ..."). Notes are embeddings in the place of
visual tokens (`vlmcore.experiments.pretraining.scene_tokens`), about parts of several
sizes, since a compressor too will write about several places at once. Every size of
model gets the same lessons in the same order, so that what a larger model knows more it
owes to its size.
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
)
from vlmcore.models.language import LanguageModel, word_tokenizer
from vlmcore.models.vlm import splice
from vlmcore.training.data import StepData
from vlmcore.training.module import Stage
from vlmcore.training.trainer import StageConfig, run

TEXT_SCENES = 20_000
"""Of each family."""
QUESTIONS = {"knowledge": 8, "reasoning": 6, "ocr": 8}
"""Asked about a scene, one after the other."""
TURNS = ("knowledge", "reasoning", "knowledge", "reasoning", "ocr")
"""In turn."""
PARTS = (1, 4, 16, 36)
"""Numbers of notes about a scene, in turn."""


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
        **options: of `loop.run`.
    """
    torch.manual_seed(seed)
    tokenizer = word_tokenizer([*SCENE_WORDS, *TEXT_WORDS])
    model = LanguageModel.from_config(
        replace(config, vocab_size=len(tokenizer)), tokenizer
    )
    batches = curriculum_batches(tokenizer, facts(world), stage.batch_size, seed)
    module = Stage(model, text_loss, stage, seed)
    run(module, StepData(batches), stage.steps, folder, **options)
    return model.cpu().eval()


def curriculum_batches(
    tokenizer: PreTrainedTokenizerBase, known: Facts, batch_size: int, seed: int
) -> Callable[[int], SceneBatch]:
    """What each step of the school sees, as a pure function of its number.

    Args:
        tokenizer: of the language model.
        known: the facts that are taught.
        batch_size: scenes a step.
        seed: of scenes and order.
    """
    scenes = {
        "knowledge": knowledge(
            (seed, 1), TEXT_SCENES, known, questions=QUESTIONS["knowledge"], draw=False
        ),
        "reasoning": reasoning(
            (seed, 1), TEXT_SCENES, known, questions=QUESTIONS["reasoning"], draw=False
        ),
        "ocr": ocr((seed, 1), TEXT_SCENES, questions=QUESTIONS["ocr"], draw=False),
    }
    texts = {
        name: _one_after_the_other(told.samples, tokenizer)
        for name, told in scenes.items()
    }
    words = {name: tokenize_scenes(told, tokenizer) for name, told in scenes.items()}

    def make(step: int) -> SceneBatch:
        """The lesson of a step, with as many notes as is its turn."""
        turn, lesson = divmod(step, len(TURNS))
        name = TURNS[lesson]
        rows = rows_of_step(TEXT_SCENES, batch_size, (seed, lesson), turn)
        return SceneBatch(
            texts[name].batch(rows),
            words[name][rows],
            PARTS[turn % len(PARTS)],
            scenes[name].position_words,
        )

    return make


@torch.inference_mode()
def answers_from_scene_tokens(
    language: LanguageModel,
    scenes: Scenes,
    parts: int,
    order: Order = "image_first",
    batch_size: int = 512,
) -> list[str]:
    """The word that a language model says first in answer to each question, given notes instead of an image.

    Args:
        language: the model.
        scenes: with their questions.
        parts: how many notes a scene makes.
        order: whether the notes come before the question, as at school, or after it.
        batch_size: questions a step.
    """
    tokens = tokenize(scenes.samples, language.tokenizer, order, answers=False)
    words, device = (
        tokenize_scenes(scenes, language.tokenizer),
        next(language.parameters()).device,
    )
    said: list[int] = []
    for rows in torch.arange(len(scenes.samples)).split(batch_size):
        batch, shown = (
            tokens.batch(rows).to(device),
            words[tokens.image[rows]].to(device),
        )
        placed = splice(
            language.embed(batch.text),
            embed_scenes(language, shown, parts, scenes.position_words),
            batch,
        )
        said += language.next_token(placed.embeddings, placed.length).tolist()
    return language.tokenizer.batch_decode([[token] for token in said])


def tokenize_scenes(scenes: Scenes, tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """The words of notes as tokens, int (n, places, words), with padding for none."""
    known = tokenizer.get_vocab()
    tokens = torch.tensor(
        [*(known[word] for word in SCENE_WORDS), tokenizer.pad_token_id]
    )  # -1, no word, is the last
    return tokens[torch.from_numpy(scenes.descriptions)]


def tokenize_contents(tokenizer: PreTrainedTokenizerBase) -> tuple[Tensor, ...]:
    """Tokens of the words that may fill a place, one tensor for each kind of content."""
    return tuple(
        torch.tensor(tokenizer.convert_tokens_to_ids(list(group)))
        for group in CONTENT_WORDS
    )


def _one_after_the_other(
    samples: Sequence[Sample], tokenizer: PreTrainedTokenizerBase
) -> Tokens:
    """All questions about a scene in one text, each once and with its answer; the answers and the end are learnt."""
    known = tokenizer.get_vocab()
    texts, labels = [], []
    for _, about in groupby(samples, key=lambda sample: sample.image):
        once = dict.fromkeys((sample.question, sample.answer) for sample in about)
        said = [
            (known[word], learnt)
            for question, answer in once
            for text, learnt in ((question, False), (answer, True))
            for word in text.split()
        ]
        text = torch.tensor(
            [
                tokenizer.bos_token_id,
                *(word for word, _ in said),
                tokenizer.eos_token_id,
            ],
            dtype=torch.int32,
        )
        learnt = torch.tensor([False, *(learnt for _, learnt in said), True])
        texts.append(text)
        labels.append(text.where(learnt, IGNORE))
    first = torch.ones(len(texts), dtype=torch.long)
    padded = pad_sequence(texts, batch_first=True, padding_value=tokenizer.pad_token_id)
    length = torch.tensor([len(text) for text in texts])
    return Tokens(
        torch.arange(len(texts)),
        padded,
        pad_sequence(labels, batch_first=True, padding_value=IGNORE),
        length,
        first,
        padded[:, :1],
        first,
    )
