from itertools import product

import pytest
import torch

from tests.models.compressors import naive
from tests.models.compressors.test_tokenpacker import loops as tokenpacker_loops
from vlmcore.config import QueCCConfig, TokenPackerConfig
from vlmcore.models.vision import VisionFeatures

SWITCHES = list(product([False, True], repeat=3))


def loops(quecc, features, question, visual_tokens):
    """The formulas of the paper, with each of its changes to TokenPacker or without."""
    state, config, result = quecc.state_dict(), quecc.config, []

    def asked(x):
        if config.nonlinear_query:
            return naive.normed_mlp(state, "query", x)
        return naive.norm(state, "query.1", naive.linear(state, "query.0", x))

    for layers, words in zip(features.layers, question, strict=True):
        patches = layers[:, -1]
        if config.inject_question:
            patches = patches + naive.norm(
                state, "question.1", naive.linear(state, "question.0", words)
            )
        if config.learned_downsampling:  # map, norm, convolution
            kernel, bias = (
                state["downsample.weight"].flatten(1),
                state["downsample.bias"],
            )
            mapped = [asked(patch) for patch in patches]
            queries = [
                bias + sum(kernel[:, at] * mapped[i] for at, i in enumerate(cell))
                for cell in naive.cells(6, visual_tokens)
            ]
        else:  # resize, map, norm
            queries = [
                asked(x) for x in naive.bilinear(patches, round(visual_tokens**0.5))
            ]
        tokens = []
        for query, cell in zip(queries, naive.cells(6, visual_tokens), strict=True):
            keys, values = (
                [naive.normed_mlp(state, name, layers[i].reshape(-1)) for i in cell]
                for name in ("key", "value")
            )
            tokens.append(
                naive.mlp(
                    state,
                    "projection",
                    naive.attend(state, "attention", query, keys, values, heads=2),
                )
            )
        result.append(torch.stack(tokens))
    return torch.stack(result)


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
@pytest.mark.parametrize("visual_tokens", [1, 4, 9])
def test_equals_the_formulas_written_with_loops(
    build, precision, visual_tokens, switches
):
    dtype, tolerance = precision
    quecc, features, question = build(QueCCConfig(2, *switches), visual_tokens, dtype)
    with torch.no_grad():
        ours, expected = (
            quecc(features, question),
            loops(quecc, features, question, visual_tokens),
        )
    assert ours.shape == (3, visual_tokens, 24)
    assert (ours - expected).abs().max() < tolerance * expected.abs().max()


@pytest.mark.parametrize("visual_tokens", [1, 4, 9])
def test_with_everything_off_it_is_tokenpacker(build, visual_tokens):
    quecc, features, _ = build(QueCCConfig(2, False, False, False), visual_tokens)
    packer, _, _ = build(TokenPackerConfig(2), visual_tokens)
    packer.load_state_dict(
        quecc.state_dict()
    )  # strict: the same parameters, none more and none less
    assert torch.equal(quecc(features), packer(features))
    torch.testing.assert_close(
        quecc(features), tokenpacker_loops(quecc, features, visual_tokens)
    )


def test_a_changed_question_changes_the_tokens_of_its_own_image_only(build):
    quecc, features, question = build(QueCCConfig(2), 4)
    changed = question.clone()
    changed[1] += torch.randn(
        24, dtype=torch.float64
    )  # a constant shift would vanish in the norm
    with torch.no_grad():
        moved = (
            (quecc(features, changed) - quecc(features, question)).abs().amax((1, 2))
        )
    assert moved[1] > 1e-3
    assert moved[[0, 2]].max() == 0


def test_each_token_sees_its_own_region_only(build):
    quecc, features, question = build(QueCCConfig(2), 4)
    layers = features.layers.clone()
    layers.view(3, 6, 6, 2, 16)[:, :3, 3:] += torch.randn(2, 16, dtype=torch.float64)
    with torch.no_grad():
        moved = (
            (quecc(VisionFeatures(layers), question) - quecc(features, question))
            .abs()
            .amax((0, 2))
        )
    assert moved[1] > 1e-3
    assert moved[[0, 2, 3]].max() == 0


def test_attention_weights_are_shares_of_the_region(build):
    quecc, features, question = build(QueCCConfig(2), 4)
    _, weights = quecc.attend(features, question)
    assert weights.shape == (3, 4, 9)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 4, dtype=torch.float64))


def test_wrong_calls_get_a_sentence(build):
    quecc, features, question = build(QueCCConfig(2), 4)
    with pytest.raises(ValueError, match="conditioned on a question"):
        quecc(features)
    with pytest.raises(ValueError, match=r"4 visual tokens.*9"):
        quecc(features, question, visual_tokens=9)
