import math

import pytest
import torch

from vlmcore.compressors.quecc import QueCC
from vlmcore.config import PAPER, QueCCConfig, VisionConfig
from vlmcore.cost import parameters
from vlmcore.vision import VisionFeatures

VISION = VisionConfig(image_size=24, patch_size=4, width=16, depth=3, heads=2, mlp_width=32, layers=(1, 2))


def build(visual_tokens, dtype=torch.float64):
    torch.manual_seed(0)
    quecc = QueCC(QueCCConfig(heads=2), VISION, 24, visual_tokens).to(dtype)
    features = VisionFeatures(torch.randn(3, 36, 2, 16, dtype=dtype))
    return quecc, features, torch.randn(3, 24, dtype=dtype)


def naive(quecc, features, question):
    """The formulas of the paper with loops over images, regions, patches and heads."""
    side, k, d = 6, quecc.kernel, 16
    state = quecc.state_dict()
    linear = lambda name, x: state[f"{name}.weight"] @ x + state[f"{name}.bias"]  # noqa: E731

    def norm(name, x):
        centred = x - x.mean()
        return centred / (centred.square().mean() + 1e-6).sqrt() * state[f"{name}.weight"] + state[f"{name}.bias"]

    def gelu(x):
        return torch.tensor([v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x.tolist()], dtype=x.dtype)

    def two_layers(name, x):
        return norm(f"{name}.3", linear(f"{name}.2", gelu(linear(f"{name}.0", x))))

    w_q, w_k, w_v = state["attention.in_proj_weight"].chunk(3)
    b_q, b_k, b_v = state["attention.in_proj_bias"].chunk(3)
    result = []
    for image in range(len(question)):
        told = norm("question.1", linear("question.0", question[image]))
        grid = [two_layers("query", features.layers[image, p, -1] + told) for p in range(36)]
        tokens = []
        for gy in range(side // k):
            for gx in range(side // k):
                region = [(gy * k + y, gx * k + x) for y in range(k) for x in range(k)]
                query = state["downsample.bias"].clone()
                for y, x in region:
                    query = query + state["downsample.weight"][:, 0, y - gy * k, x - gx * k] * grid[y * side + x]
                levels = [features.layers[image, y * side + x].reshape(-1) for y, x in region]
                keys = [w_k @ two_layers("key", level) + b_k for level in levels]
                values = [w_v @ two_layers("value", level) + b_v for level in levels]
                q, heads = w_q @ query + b_q, []
                for h in range(2):
                    part = slice(h * d // 2, (h + 1) * d // 2)
                    scores = torch.stack([(q[part] @ key[part]) / math.sqrt(d // 2) for key in keys]).softmax(0)
                    heads.append(sum(s * value[part] for s, value in zip(scores, values, strict=True)))
                token = linear("attention.out_proj", torch.cat(heads))
                tokens.append(linear("projection.2", gelu(linear("projection.0", token))))
        result.append(torch.stack(tokens))
    return torch.stack(result)


@pytest.mark.parametrize("visual_tokens", [1, 4, 9])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_equals_the_formulas_written_with_loops(visual_tokens, dtype, tolerance):
    quecc, features, question = build(visual_tokens, dtype)
    with torch.no_grad():
        ours, loops = quecc(features, question), naive(quecc, features, question)
    assert ours.shape == (3, visual_tokens, 24)
    assert (ours - loops).abs().max() < tolerance * loops.abs().max()


def test_a_changed_question_changes_the_tokens_of_its_own_image_only():
    quecc, features, question = build(4)
    changed = question.clone()
    changed[1] += torch.randn(24, dtype=torch.float64)  # a constant shift would vanish in the norm
    with torch.no_grad():
        moved = (quecc(features, changed) - quecc(features, question)).abs().amax((1, 2))
    assert moved[1] > 1e-3
    assert moved[[0, 2]].max() == 0


def test_each_token_sees_its_own_region_only():
    quecc, features, question = build(4)
    layers = features.layers.clone()
    layers.view(3, 6, 6, 2, 16)[:, :3, 3:] += torch.randn(2, 16, dtype=torch.float64)
    with torch.no_grad():
        moved = (quecc(VisionFeatures(layers), question) - quecc(features, question)).abs().amax((0, 2))
    assert moved[1] > 1e-3
    assert moved[[0, 2, 3]].max() == 0


def test_gradient_reaches_every_parameter_that_can_matter():
    quecc, features, question = build(4)
    quecc(features, question).square().sum().backward()
    for name, parameter in quecc.named_parameters():
        if name == "key.3.bias":  # the same for all keys of a region: softmax is blind to it
            assert parameter.grad.abs().max() < 1e-12
        elif name == "attention.in_proj_bias":  # query, key, value: likewise for the middle third
            query, key, value = (part.abs().max() for part in parameter.grad.chunk(3))
            assert min(query, value) > 1e-12 > key
        else:
            assert parameter.grad.abs().max() > 1e-12, name


def test_images_of_a_batch_do_not_meet_and_inputs_stay():
    quecc, features, question = build(4)
    before = features.layers.clone(), question.clone()
    order = torch.tensor([2, 0, 1])
    with torch.no_grad():
        whole, permuted = quecc(features, question), quecc(VisionFeatures(features.layers[order]), question[order])
    torch.testing.assert_close(permuted, whole[order])
    assert torch.equal(features.layers, before[0]) and torch.equal(question, before[1])


def test_attention_weights_are_shares_of_the_region():
    quecc, features, question = build(4)
    _, weights = quecc.attend(features, question)
    assert weights.shape == (3, 4, 9)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 4, dtype=torch.float64))


def test_wrong_calls_get_a_sentence():
    quecc, features, question = build(4)
    with pytest.raises(ValueError, match="light of a question"):
        quecc(features)
    with pytest.raises(ValueError, match=r"4 visual tokens.*9"):
        quecc(features, question, visual_tokens=9)


def test_full_size_is_the_same_class():
    with torch.device("meta"):
        quecc = QueCC(PAPER.compressor, PAPER.vision, PAPER.language.width, 1)
        features = VisionFeatures(torch.randn(2, 576, 4, 1024))
        assert quecc(features, torch.randn(2, 4096)).shape == (2, 1, 4096)
    groups = parameters(PAPER)
    assert sum(p.numel() for p in quecc.parameters()) == groups.compressor + groups.projection
