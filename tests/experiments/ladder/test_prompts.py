"""The prompt: examples of the same V, the question before the picture, first lines."""

import pytest
import torch

from vlmcore.data.flags.scenes import QUESTIONS, scenes
from vlmcore.data.flags.world import load_world
from vlmcore.experiments.ladder import prompts
from vlmcore.experiments.ladder.words import exact_targets, word_embeddings
from vlmcore.models.generation import generate_greedily

WORLD = load_world()


@pytest.mark.parametrize("kind", QUESTIONS)
def test_examples_are_of_the_kind_and_of_countries_asked_nowhere(kind):
    made = prompts.examples(kind)
    assert len(made.samples) == prompts.SHOTS
    assert {prompts.group(sample.kind) for sample in made.samples} == {kind}
    shown = {WORLD.names[g] for g in made.glyph.flat if 0 <= g < len(WORLD.countries)}
    asked = {c.name for part in ("development", "test") for c in WORLD.part(part)}
    assert not shown & asked


@pytest.mark.parametrize("tokens", [1, 4])
def test_the_model_reads_examples_question_picture_and_cue(
    language, tokens, monkeypatch
):
    """The embeddings that it gets, against the prompt as text and V places."""
    made = scenes(WORLD, "knowledge", 1, 8, WORLD.part("development"), draw=False)
    rows = [i for i, s in enumerate(made.samples) if s.kind == "capital"]
    words, seen = word_embeddings(language, WORLD), []
    asked = prompts.pick(made, rows)
    visual = exact_targets(words, asked, tokens)
    pictures = prompts.exact_pictures(words, visual, "capital", tokens)

    def spy(model, tokenizer, embeddings, length, most, prefix, stop):
        seen.append((embeddings, length, prefix))
        return generate_greedily(
            model, tokenizer, embeddings, length, most, prefix, stop
        )

    monkeypatch.setattr(prompts, "generate_greedily", spy)
    said = prompts.answer(language, "capital", asked, pictures)
    assert len(said) == len(rows) and all("\n" not in text for text in said)
    ((embeddings, length, prefix),) = seen
    start, end = (
        len(language.tokenizer(text, add_special_tokens=False)["input_ids"])
        for text in ("Capital of the country\nCountry:", "\nCapital:")
    )
    row = embeddings[0][: int(length[0])]
    assert len(row) == prefix + start + tokens + end
    assert torch.equal(row[-tokens - end : -end], visual[0])
    assert torch.equal(embeddings[0][:prefix], embeddings[-1][:prefix])
    first = exact_targets(words, prompts.examples("capital"), tokens)[0]
    assert torch.equal(row[start : start + tokens], first)
