"""Frozen language models without images: names in text, and exact targets at every V.

They bound the errors of every cell. Four pictures are tried: the exact targets of a
scene; for facts, the name of the country at all V places, and in text; for the other
families the names in text, in reading order; and for blind answers, fillers alone.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from vlmcore.data.flags.drawing import ALPHABET
from vlmcore.data.flags.scenes import FAMILIES, FlagScenes
from vlmcore.data.flags.world import load_world
from vlmcore.experiments.ladder import plan, shared
from vlmcore.experiments.ladder.prompts import Pictures, examples, mark
from vlmcore.experiments.ladder.scoring import Asked, ask, ask_with, text_pictures
from vlmcore.experiments.ladder.words import encode, exact_targets, word_embeddings
from vlmcore.files import read_json, write_json
from vlmcore.models.language import LanguageModel


def described(made: FlagScenes, family: str) -> list[str]:
    """Each scene in text: the asked country, or all names in reading order."""
    names = (*load_world().names, *ALPHABET)
    if family == "knowledge":
        return [names[glyph] for glyph in made.asked]
    texts = []
    for glyph, centre in zip(made.glyph, made.centre, strict=True):
        there = [i for i in range(len(glyph)) if glyph[i] >= 0]
        rows = 6 if family == "ocr" else 2
        there.sort(key=lambda i: (int(centre[i, 1] * rows), centre[i, 0]))
        separator = " " if family == "ocr" else ", "
        texts.append(separator.join(names[glyph[i]] for i in there))
    return texts


def run_text(
    key: str, part: str, results: Path, work: Path, command: str
) -> dict[str, Any]:
    """Scores of a model from names in text, with every answer to every question."""
    path = results / f"text-{key}.json"
    if path.exists():
        return read_json(path)
    language, families = shared.load_language(key), {}
    for family in FAMILIES:
        made = shared.family_scenes(family, part, draw=False)
        texts = described(made, family)

        def pictures(
            kind: str,
            rows: Sequence[int],
            texts: list[str] = texts,
            family: str = family,
        ) -> Pictures:
            shots = described(examples(kind), family)
            return text_pictures(language, [texts[row] for row in rows], shots)

        asked = Asked(language, 0, part, work)
        answers = ask_with(asked, made, pictures, f"text-{key}", family)
        families[family] = {**_questions(made, language), **answers}
    return _write(path, {"key": key, "part": part, "families": families}, command)


def _questions(made: FlagScenes, language: LanguageModel) -> dict[str, list[Any]]:
    """The questions themselves, what they are about, and the accepted answers."""
    world = load_world()
    names = (*world.names, *ALPHABET)
    one = [len(encode(language, f" {name}")) == 1 for name in names]
    return {
        "kind": [sample.kind for sample in made.samples],
        "question": [sample.question for sample in made.samples],
        "about": [names[i] if i >= 0 else "" for i in made.asked],
        "one_token": [bool(i >= 0 and one[i]) for i in made.asked],
        "objects": (made.glyph >= 0).sum(1).tolist(),
        "accepted": [list(each) for each in made.accepted],
    }


def run_oracle(
    key: str,
    part: str,
    results: Path,
    work: Path,
    command: str,
    tokens: Sequence[int] = plan.TOKENS,
) -> dict[str, Any]:
    """Scores of a model from exact targets, repeated names and fillers alone."""
    path = results / f"oracle-{key}.json"
    if path.exists():
        return read_json(path)
    language, world = shared.load_language(key), load_world()
    words, found = word_embeddings(language, world), dict[str, Any]()
    for v in tokens:
        asked, of_v = Asked(language, v, part, work), dict[str, Any]()
        for family in FAMILIES:
            made = shared.family_scenes(family, part, draw=False)
            tried = {"exact": exact_targets(words, made, v)}
            if family == "knowledge" and v > 1:
                names = words.names[torch.from_numpy(made.asked)]
                tried["repeated"] = names[:, None].expand(-1, v, -1)
            for picture, visual in tried.items():
                name = f"{picture}-{key}.v{v}"
                of_v[f"{family}.{picture}"] = ask(asked, made, visual, name, family)
        found[f"v{v}"] = of_v
    found["blind"] = _blind(language, key, part, work)
    return _write(path, {"key": key, "part": part, "found": found}, command)


def _blind(language: LanguageModel, key: str, part: str, work: Path) -> dict[str, Any]:
    """Answers when the picture is one filler."""
    words = word_embeddings(language, load_world())
    asked, found = Asked(language, 1, part, work), {}
    for family in FAMILIES:
        made = shared.family_scenes(family, part, draw=False)
        visual = words.filler.expand(len(made.samples), 1, -1)
        found[family] = ask(asked, made, visual, f"blind-{key}", family)
    return found


def _write(path: Path, result: dict[str, Any], command: str) -> dict[str, Any]:
    write_json(
        path, {"name": path.stem, "prompt": mark(), **result, "command": command}
    )
    return read_json(path)
