"""Greedy generation with further end tokens, against a loop without a cache."""

import pytest
import torch

from vlmcore.models.generation import generate_greedily


@pytest.fixture
def language(make_vlm):
    return make_vlm(None, 0).language.eval()


def by_hand(language, embeddings, count, stop=()):
    """The most likely tokens one by one; none of `stop` comes first."""
    tokens: list[int] = []
    for _ in range(count):
        scores = language.logits(language(embeddings)[:, -1])[0]
        if not tokens:
            scores[list(stop)] = -torch.inf
        tokens.append(int(scores.argmax()))
        embeddings = torch.cat(
            [embeddings, language.embed(torch.tensor([tokens[-1:]]))], 1
        )
        if tokens[-1] in stop:
            break
    return tokens


@torch.no_grad()
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_further_end_token_ends_an_answer_and_does_not_begin_one(language, place):
    embeddings, length = torch.randn(1, 3, 24), torch.tensor([3])
    model, tokenizer = language.model, language.tokenizer
    plain = generate_greedily(model, tokenizer, embeddings, length, 4)[0].tolist()
    assert plain == by_hand(language, embeddings, len(plain))
    stop = [plain[min(place, len(plain) - 1)]]
    ended = generate_greedily(model, tokenizer, embeddings, length, 4, 0, stop)
    expected = by_hand(language, embeddings, 4, stop)
    assert ended[0].tolist() == expected[: len(ended[0])]
    assert expected[0] != stop[0] and len(ended[0]) == len(expected)
