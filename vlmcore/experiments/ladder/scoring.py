"""Asks a frozen language model about visual tokens and scores what it says."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vlmcore.data.flags.scenes import FlagScenes
from vlmcore.data.flags.world import load_world
from vlmcore.experiments.ladder.answers import score
from vlmcore.experiments.ladder.prompts import (
    Pictures,
    answer,
    exact_pictures,
    group,
    mark,
    pick,
)
from vlmcore.experiments.ladder.words import encode, word_embeddings
from vlmcore.files import read_json, write_json
from vlmcore.models.language import LanguageModel

PicturesOf = Callable[[str, Sequence[int]], Pictures]
"""Pictures of some questions of a kind, by their numbers."""


class Asked(NamedTuple):
    """Who is asked, with how many visual tokens, about which part."""

    language: LanguageModel
    visual_tokens: int
    """V of the examples; 0 shows their names as text."""
    part: str
    work: Path


def ask(
    asked: Asked, made: FlagScenes, visual: Tensor, name: str, family: str
) -> dict[str, Any]:
    """Answers to all questions of a family and their points.

    Each kind of question that is answered is kept in the work folder.

    Args:
        asked: who is asked.
        made: the scenes.
        visual: float (n, V, e), in the order of the scenes.
        name: of the run.
        family: of the scenes.
    """
    words = word_embeddings(asked.language, load_world())

    def pictures(kind: str, rows: Sequence[int]) -> Pictures:
        return exact_pictures(words, visual[list(rows)], kind, asked.visual_tokens)

    return ask_with(asked, made, pictures, name, family)


def ask_with(
    asked: Asked, made: FlagScenes, pictures: PicturesOf, name: str, family: str
) -> dict[str, Any]:
    """As `ask`, with the pictures of a kind and some rows from a function."""
    kinds = [group(sample.kind) for sample in made.samples]
    texts: dict[int, str] = {}
    for kind in dict.fromkeys(kinds):
        rows = [row for row, each in enumerate(kinds) if each == kind]
        path = asked.work / "answers" / asked.part / mark()
        path = path / f"{name}.{family}.{kind}.json"
        if not path.exists():
            shown = pictures(kind, rows)
            said = answer(asked.language, kind, pick(made, rows), shown)
            write_json(path, said)
        texts |= dict(zip(rows, read_json(path), strict=True))
    return scored([texts[row] for row in range(len(made.samples))], made)


def scored(answers: Sequence[str], made: FlagScenes) -> dict[str, Any]:
    """Answers to the questions of some scenes, with their points."""
    triples = zip(answers, made.accepted, made.samples, strict=True)
    found = [score(text, accepted, sample.kind) for text, accepted, sample in triples]
    return {"answers": list(answers), "points": points(found)}


def points(values: Sequence[float]) -> list[float]:
    """Points as result files hold them."""
    return [round(each, 4) for each in values]


def text_pictures(
    language: LanguageModel, texts: Sequence[str], shots: Sequence[str]
) -> Pictures:
    """Names as text in the place of pictures."""

    def embed(text: str) -> Tensor:
        tokens = encode(language, f" {text}")
        with torch.inference_mode():
            return language.embed(tokens)

    return Pictures([embed(text) for text in shots], [embed(text) for text in texts])
