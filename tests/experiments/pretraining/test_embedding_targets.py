from statistics import mean

import pytest
import torch
from torch.nn.functional import log_softmax

from tests.conftest import SAMPLES
from vlmcore.config import PoolConfig, QueCCConfig, TokenPackerConfig
from vlmcore.data.samples import tokenize
from vlmcore.experiments.pretraining.embedding_targets import (
    DescribedBatch,
    SceneTargets,
    embedding_target_loss,
)
from vlmcore.experiments.pretraining.scene_tokens import embed_scenes, owners


def make_targets(tokenizer, count=3):
    """Three scenes of two by two cells: red and blue twice, two red once."""
    word = tokenizer.get_vocab()
    here, red, blue, circle, pad = (
        word["there"],
        word["red"],
        word["blue"],
        word["circle"],
        tokenizer.pad_token_id,
    )
    scene = [
        [here, red, circle],
        [here, pad, pad],
        [here, pad, pad],
        [here, blue, circle],
    ]
    words = torch.tensor(
        [scene, scene[::-1], [scene[0], scene[0], scene[1], scene[1]]]
    )[:count]
    return SceneTargets(
        words, 1, (torch.tensor([red, blue]), torch.tensor([circle, word["yes"]]))
    )


@pytest.fixture
def describe(tokenizer, images):
    def make(vlm):
        batch = tokenize(SAMPLES, tokenizer, "image_first").batch(torch.arange(3))
        return DescribedBatch(batch, vlm.vision(images), make_targets(tokenizer))

    return make


@pytest.fixture
def plain_words():
    """Makes the words of a language model long and at right angles."""

    def make(vlm):
        weight = vlm.language.model.get_input_embeddings().weight
        weight.data = 10 * torch.eye(*weight.shape)
        return vlm

    return make


def saying(vlm, tokens):
    """The same model, whose compressor returns given visual tokens."""
    vlm.compress = lambda features, batch: tokens
    return vlm


@pytest.mark.parametrize("count", [4, 1])
def test_tokens_equal_to_their_targets_have_no_loss(
    make_vlm, describe, plain_words, count
):
    """Nothing is left with a cell a token; one token for all costs its entropy."""
    vlm = plain_words(make_vlm(PoolConfig(), count))
    step = describe(vlm)
    targets = embed_scenes(
        vlm.language, step.targets.words, count, step.targets.position_words
    )
    right = embedding_target_loss(saying(vlm, targets), step).item()
    assert right < (1e-6 if count == 4 else 1)
    wrong = embedding_target_loss(saying(vlm, targets.roll(1, 0)), step).item()
    assert wrong > right + 1, "targets of other scenes"
    longer = embedding_target_loss(saying(vlm, 1.5 * targets), step).item()
    assert longer > right, "naming alone would not mind the length"


@pytest.mark.parametrize("count", [1, 4, 9])
def test_the_loss_is_distance_and_naming(make_vlm, describe, count):
    """Against a loop over scenes, tokens and kinds of content."""
    vlm = make_vlm(PoolConfig(), 4)
    step, language = describe(vlm), vlm.language
    visual = torch.randn(3, count, 24)
    targets = embed_scenes(
        language, step.targets.words, count, step.targets.position_words
    )
    share, embed = owners(4, count), lambda words: language.embed(words).detach()
    naming: list[list[float]] = [[], []]
    distance: dict[bool, list[float]] = {True: [], False: []}
    for b in range(3):
        for n in range(count):
            most = 0.0
            for kind, group in enumerate(step.targets.contents):
                wanted = torch.zeros(len(group))
                for cell in range(4):
                    for k, word in enumerate(group):
                        wanted[k] += share[n, cell] * (
                            word in step.targets.words[b, cell]
                        )
                number = float(wanted.sum())
                most = max(most, number)
                if number:
                    naming[kind].append(
                        -float(wanted @ log_softmax(embed(group) @ visual[b, n], 0))
                        / max(number, 1)
                    )
            away = float((visual[b, n] - targets[b, n]).detach().square().sum())
            distance[most > 0].append(away / max(most, 1) ** 2)
    assert bool(distance[False]) == (count > 1)
    unit = float(embed(torch.cat(step.targets.contents)).square().sum(-1).mean())
    expected = (
        sum(map(mean, naming))
        + sum(mean(each) for each in distance.values() if each) / unit
    )
    assert embedding_target_loss(saying(vlm, visual), step).item() == pytest.approx(
        expected, rel=1e-4
    )


def test_empty_tokens_do_not_drown_the_others(make_vlm, describe, plain_words):
    """A filled token counts as much beside many empty tokens as alone."""
    vlm = plain_words(make_vlm(PoolConfig(), 4))
    step = describe(vlm)
    words = step.targets.words[
        1:2
    ]  # one scene, in which two of four cells hold something
    silent = torch.full_like(words, vlm.language.tokenizer.pad_token_id)

    def loss(words, tokens):
        return embedding_target_loss(
            saying(vlm, tokens),
            step._replace(targets=step.targets._replace(words=words)),
        ).item()

    few, many = words, torch.cat([words, silent, silent, silent], 1)
    right = [
        embed_scenes(vlm.language, each, each.shape[1], step.targets.position_words)
        for each in (few, many)
    ]
    wrong = [tokens.clone() for tokens in right]
    for tokens in wrong:
        tokens[:, 0] = tokens[:, 3]  # the first cell names what is at the last
    one, other = (
        loss(w, x) - loss(w, r)
        for w, x, r in zip((few, many), wrong, right, strict=True)
    )
    assert one > 1 and other == pytest.approx(one, rel=0.05)


@pytest.mark.parametrize(
    "compressor",
    [TokenPackerConfig(heads=2), QueCCConfig(heads=2)],
    ids=["tokenpacker", "quecc"],
)
def test_only_the_compressor_learns(make_vlm, describe, compressor):
    """The targets have no gradient, even where the language model is not frozen."""
    vlm = make_vlm(compressor, 4)
    embedding_target_loss(vlm, describe(vlm)).backward()
    assert all(parameter.grad is None for parameter in vlm.language.parameters())
    without = [
        name
        for name, parameter in vlm.compressor.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert without == []


def test_a_described_step_moves_as_a_whole(make_vlm, describe):
    vlm = make_vlm(PoolConfig(), 4)
    moved = describe(vlm).to("meta")
    tensors = [
        *moved.batch,
        moved.features.patches,
        moved.targets.words,
        *moved.targets.contents,
    ]
    assert {tensor.device.type for tensor in tensors} == {
        "meta"
    } and moved.targets.position_words == 1
