"""Exact targets, the loss towards them, and the nearest flag, against plain loops."""

import numpy as np
import pytest
import torch

from vlmcore.data.flags.scenes import FAMILIES, scenes
from vlmcore.data.flags.world import load_world
from vlmcore.experiments.ladder.words import (
    exact_targets,
    held,
    name_loss,
    nearest_flag,
    word_embeddings,
)

WORLD = load_world()
TEST = WORLD.part("test")


@pytest.fixture(scope="module")
def words(language):
    return word_embeddings(language, WORLD)


def test_a_name_is_the_mean_of_its_tokens(language, words):
    known = language.tokenizer.get_vocab()
    new, zealand = (language.embed(torch.tensor(known[w])) for w in ("New", "Zealand"))
    row = WORLD.names.index("New Zealand")
    assert torch.allclose(words.names[row], (new + zealand) / 2)
    assert words.tokens[row] == 2 and words.tokens[WORLD.names.index("France")] == 1


@pytest.mark.parametrize("tokens", [1, 4, 16, 36])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_token_is_the_mean_of_what_its_region_holds(words, family, tokens):
    made = scenes(WORLD, family, 1, 6, TEST, draw=False)
    got, side = exact_targets(words, made, tokens), round(tokens**0.5)
    for n in range(6):
        inside = [[] for _ in range(tokens)]
        for glyph, (x, y) in zip(made.glyph[n], made.centre[n], strict=True):
            if glyph >= 0:
                inside[int(y * side) * side + int(x * side)].append(words.names[glyph])
        for token, content in zip(got[n], inside, strict=True):
            expected = torch.stack(content).mean(0) if content else words.filler
            assert torch.allclose(token, expected, atol=1e-6)


@pytest.mark.parametrize("tokens", [1, 36])
def test_the_loss_is_least_at_the_exact_targets(words, tokens):
    made = scenes(WORLD, "knowledge", 1, 8, TEST, draw=False)
    glyph, centre = torch.from_numpy(made.glyph), torch.from_numpy(made.centre)
    counts = held(glyph, centre, tokens, len(words.names))
    exact = exact_targets(words, made, tokens)

    def loss(visual):
        return name_loss(visual, words, counts, 12.0).item()

    right = loss(exact)
    assert right < min(loss(exact.roll(1, 0)), loss(3 * exact), loss(0 * exact)) - 1


def test_the_nearest_flag_is_that_of_the_token_that_holds_it(words):
    made = scenes(WORLD, "which", 1, 12, TEST, draw=False)
    exact, flags = exact_targets(words, made, 36), len(WORLD.countries)
    found = nearest_flag(exact, words, made, flags).numpy()
    assert np.array_equal(found, made.asked)
    wrong = nearest_flag(exact.roll(1, 0), words, made, flags).numpy()
    assert (wrong == made.asked).mean() < 0.5
