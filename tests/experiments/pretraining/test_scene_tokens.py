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


@pytest.mark.parametrize("count", [1, 4, 16])
def test_a_scene_token_is_the_sum_of_its_words(language, count):
    """Against a loop: cell (row, column) belongs to the token it lies in."""
    pad, side = language.tokenizer.pad_token_id, int(count**0.5)
    words = torch.randint(4, len(language.tokenizer), (3, 16, 3))
    words[:, ::3, 1:] = pad
    expected = torch.zeros(3, count, 8)
    for b in range(3):
        for cell in range(16):
            row, column = divmod(cell, 4)
            token = row * side // 4 * side + column * side // 4
            for word in words[b, cell]:
                if word != pad:
                    expected[b, token] += language.embed(word[None])[0].detach()
    torch.testing.assert_close(embed_scenes(language, words, count).detach(), expected)


def test_a_model_can_be_scored_before_it_is_trained(language):
    """Shares that were cached without gradients must serve training too."""
    overlap.cache_clear()
    words = torch.randint(4, len(language.tokenizer), (2, 4, 2))
    with torch.inference_mode():
        embed_scenes(language, words, 1)
    embed_scenes(language, words, 1).sum().backward()


def test_text_pretraining_is_reproducible_and_learns(tmp_path, monkeypatch):
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


@pytest.mark.parametrize("count", [1, 4, 16, 36])
def test_position_words_are_averaged_and_contents_summed(language, count):
    """Against a loop; some cells are empty and some tokens touch several cells."""
    pad, cells = language.tokenizer.pad_token_id, 16
    words = torch.randint(4, len(language.tokenizer), (2, cells, 4))
    words[:, ::3, 2:] = pad
    share = pixels_shared(cells, count)
    owned = (share == share.max(0).values).float()
    expected = torch.zeros(2, count, 8)
    for b in range(2):
        for token in range(count):
            for cell in range(cells):
                known = [
                    language.embed(word[None])[0].detach()
                    if word != pad
                    else torch.zeros(8)
                    for word in words[b, cell]
                ]
                expected[b, token] += owned[token, cell] * sum(known[2:])
                expected[b, token] += (
                    share[token, cell] / share[token].sum() * sum(known[:2])
                )
    torch.testing.assert_close(
        embed_scenes(language, words, count, position_words=2).detach(), expected
    )


def pixels_shared(cells, count):
    """Share of each cell in each token, counted on an image that both divide."""
    side = math.lcm(math.isqrt(cells), math.isqrt(count))

    def owner(count):
        cells = torch.arange(side) * math.isqrt(count) // side
        return cells[:, None] * math.isqrt(count) + cells

    shared = torch.zeros(count, cells)
    for token, cell in zip(owner(count).ravel(), owner(cells).ravel(), strict=True):
        shared[token, cell] += 1
    return shared / (side**2 / cells)


@pytest.mark.parametrize("count", [1, 4, 16, 36, 144])
@pytest.mark.parametrize("cells", [16, 64])
def test_overlap_counts_pixels(cells, count):
    share = overlap(cells, count)
    torch.testing.assert_close(share, pixels_shared(cells, count))
    torch.testing.assert_close(
        share.sum(0), torch.ones(cells)
    )  # every cell is assigned once
    torch.testing.assert_close(
        share.sum(1), torch.full((count,), cells / count)
    )  # in equal portions


@pytest.mark.parametrize("count", [1, 4, 9, 16, 36, 144])
@pytest.mark.parametrize("cells", [16, 64])
def test_the_token_that_covers_most_of_a_cell_owns_it(cells, count):
    share, owned = pixels_shared(cells, count), owners(cells, count)
    torch.testing.assert_close(owned.sum(0), torch.ones(cells))
    for cell in range(cells):
        best = torch.isclose(share[:, cell], share[:, cell].max())
        torch.testing.assert_close(owned[:, cell], best / best.sum())
    if count == 36:
        assert owned.max(0).values.min() == 1, (
            "each cell of both worlds lies mostly in one of 36 tokens"
        )
