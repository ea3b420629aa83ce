"""The class that a chapter writes by hand equals the package's."""

import ast

import pytest
import torch

from tests.book.conftest import ROOT, sources
from vlmcore.config import QueCCConfig, VisionConfig
from vlmcore.models.compressors import QueCC
from vlmcore.models.vision import VisionFeatures

CHAPTER = ROOT / "book" / "compressing" / "08_quecc_by_hand.ipynb"
NEEDED = ("cut", "normed_mlp", "RegionAttention", "QueCCByHand")
VISION = VisionConfig(image_size=72, patch_size=6, width=32, layers=(1, 3))


@pytest.fixture(scope="module")
def chapter_names():
    """The chapter's definitions, executed without its other code and the package."""
    tree = ast.parse("\n".join(sources(CHAPTER, "code")))
    imports = [
        node
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and "vlmcore" not in ast.unparse(node)
    ]
    definitions = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in NEEDED
    ]
    assert [node.name for node in definitions] == list(NEEDED)
    names = {}
    exec(compile(ast.Module([*imports, *definitions], []), CHAPTER.name, "exec"), names)
    return names


@pytest.mark.parametrize("visual_tokens", [1, 4, 9, 16, 36])
def test_quecc_by_hand_equals_the_packages(chapter_names, visual_tokens):
    torch.manual_seed(visual_tokens)
    package = QueCC(QueCCConfig(heads=4), VISION, 24, visual_tokens).eval()
    for parameter in package.parameters():  # initial biases would hide a mistake
        torch.nn.init.normal_(parameter, std=0.2)
    by_hand = chapter_names["QueCCByHand"](32, 2, 24, package.kernel, heads=4).eval()
    by_hand.load_state_dict(package.state_dict())  # strict: the same names and shapes
    features, question = VisionFeatures(torch.randn(3, 144, 2, 32)), torch.randn(3, 24)
    with torch.no_grad():
        ours, expected = by_hand(features, question), package(features, question)
    assert ours.shape == (3, visual_tokens, 24)
    assert (ours - expected).abs().max() < 1e-6 * expected.abs().max().clamp(min=1)


def test_both_have_the_same_gradients(chapter_names):
    torch.manual_seed(0)
    package = QueCC(QueCCConfig(heads=4), VISION, 24, 4).double()
    by_hand = chapter_names["QueCCByHand"](32, 2, 24, package.kernel, heads=4).double()
    by_hand.load_state_dict(package.state_dict())
    features, question = (
        VisionFeatures(torch.randn(2, 144, 2, 32).double()),
        torch.randn(2, 24).double(),
    )
    for module in (package, by_hand):
        module(features, question).square().sum().backward()
    theirs = dict(package.named_parameters())
    for name, parameter in by_hand.named_parameters():
        torch.testing.assert_close(
            parameter.grad, theirs[name].grad, rtol=1e-9, atol=1e-12
        )
