import math

import pytest
import torch

from vlmcore.config import LanguageConfig
from vlmcore.data.synthetic.letters_and_shapes import DESCRIPTION_WORDS
from vlmcore.experiments.pretraining import scene_tokens
from vlmcore.experiments.pretraining.scene_tokens import (
    embed_scenes,
    overlap,
    owners,
    pretrain_on_scene_tokens,
)
from vlmcore.models.language import LanguageModel, word_tokenizer
from vlmcore.training.trainer import StageConfig

SMALL = LanguageConfig(width=32, depth=2, heads=2, mlp_width=64)


@pytest.fixture
def language():
    torch.manual_seed(0)
    tokenizer = word_tokenizer(DESCRIPTION_WORDS)
    return LanguageModel.from_config(
        LanguageConfig(
            vocab_size=len(tokenizer), width=8, depth=1, heads=2, mlp_width=16
        ),
        tokenizer,
    )


@pytest.mark.parametrize("parts", [1, 4, 16])
def test_a_note_is_the_sum_of_its_words(language, parts):
    """Against a loop over places: place (row, column) belongs to the square part it lies in."""
    pad, side = language.tokenizer.pad_token_id, int(parts**0.5)
    words = torch.randint(4, len(language.tokenizer), (3, 16, 3))
    words[:, ::3, 1:] = pad
    expected = torch.zeros(3, parts, 8)
    for b in range(3):
        for place in range(16):
            row, column = divmod(place, 4)
            part = row * side // 4 * side + column * side // 4
            for word in words[b, place]:
                if word != pad:
                    expected[b, part] += language.embed(word[None])[0].detach()
    torch.testing.assert_close(embed_scenes(language, words, parts).detach(), expected)


def test_a_model_can_be_scored_before_it_is_trained(language):
    """The shares are kept; made while no gradients were wanted, they must still serve when they are."""
    overlap.cache_clear()
    words = torch.randint(4, len(language.tokenizer), (2, 4, 2))
    with torch.inference_mode():
        embed_scenes(language, words, 1)
    embed_scenes(language, words, 1).sum().backward()


def test_schooling_is_reproducible_and_learns(tmp_path, monkeypatch):
    monkeypatch.setattr(scene_tokens, "TEXT_SCENES", 300)
    stage = StageConfig(60, 3e-3, batch_size=32)
    once, again = (
        pretrain_on_scene_tokens(
            tmp_path / name, SMALL, stage, 1, progress=False, accelerator="cpu"
        )
        for name in "ab"
    )
    assert all(
        torch.equal(x, y)
        for x, y in zip(once.parameters(), again.parameters(), strict=True)
    )
    from vlmcore.training.trainer import read_log

    log = read_log(tmp_path / "a")["loss"]
    assert log.iloc[-1] < 0.8 * log.iloc[0]
    assert set(DESCRIPTION_WORDS) <= set(once.tokenizer.get_vocab())


@pytest.mark.parametrize("parts", [1, 4, 16, 36])
def test_words_for_places_are_averaged_and_words_for_things_summed(language, parts):
    """Against a loop over places and parts, where some places are empty and some parts touch several places."""
    pad, places = language.tokenizer.pad_token_id, 16
    words = torch.randint(4, len(language.tokenizer), (2, places, 4))
    words[:, ::3, 2:] = pad
    share = pixels_shared(places, parts)
    home = (share == share.max(0).values).float()
    expected = torch.zeros(2, parts, 8)
    for b in range(2):
        for part in range(parts):
            for place in range(places):
                known = [
                    language.embed(word[None])[0].detach()
                    if word != pad
                    else torch.zeros(8)
                    for word in words[b, place]
                ]
                expected[b, part] += home[part, place] * sum(known[2:])
                expected[b, part] += (
                    share[part, place] / share[part].sum() * sum(known[:2])
                )
    torch.testing.assert_close(
        embed_scenes(language, words, parts, where=2).detach(), expected
    )


def pixels_shared(places, parts):
    """Share of each place in each part, counted on an image that both divide."""
    side = math.lcm(math.isqrt(places), math.isqrt(parts))

    def owner(count):
        cells = torch.arange(side) * math.isqrt(count) // side
        return cells[:, None] * math.isqrt(count) + cells

    shared = torch.zeros(parts, places)
    for part, place in zip(owner(parts).ravel(), owner(places).ravel(), strict=True):
        shared[part, place] += 1
    return shared / (side**2 / places)


@pytest.mark.parametrize("parts", [1, 4, 16, 36, 144])
@pytest.mark.parametrize("places", [16, 64])
def test_coverage_counts_pixels(places, parts):
    share = overlap(places, parts)
    torch.testing.assert_close(share, pixels_shared(places, parts))
    torch.testing.assert_close(
        share.sum(0), torch.ones(places)
    )  # every place is dealt out once
    torch.testing.assert_close(
        share.sum(1), torch.full((parts,), places / parts)
    )  # in equal portions


@pytest.mark.parametrize("parts", [1, 4, 9, 16, 36, 144])
@pytest.mark.parametrize("places", [16, 64])
def test_everything_is_at_home_where_most_of_it_is(places, parts):
    share, home = pixels_shared(places, parts), owners(places, parts)
    torch.testing.assert_close(home.sum(0), torch.ones(places))
    for place in range(places):
        best = torch.isclose(share[:, place], share[:, place].max())
        torch.testing.assert_close(home[:, place], best / best.sum())
    if parts == 36:
        assert home.max(0).values.min() == 1, (
            "each place of both worlds lies mostly in one of the 36 parts"
        )
