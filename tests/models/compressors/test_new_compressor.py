"""A new compressor is a module, its config and one entry of `COMPRESSORS`."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import nn

from vlmcore.config import Axes, CompressorConfig, VLMConfig, from_dict, to_dict
from vlmcore.config.layers import linear_parameters
from vlmcore.cost import exact_flops, parameters
from vlmcore.models.compressors import COMPRESSORS
from vlmcore.models.vlm import VLM


@dataclass(frozen=True)
class FirstPatchesConfig(CompressorConfig):
    """The first V patches and nothing else."""

    name: ClassVar[str] = "first_patches"
    hidden: int = 5

    def choices(self, side: int) -> tuple[int, ...]:
        return tuple(range(1, side**2 + 1))

    def parameters(self, axes: Axes) -> int:
        return linear_parameters(axes.d, self.hidden)

    def projection_parameters(self, axes: Axes) -> int:
        return linear_parameters(self.hidden, axes.e)


class FirstPatches(nn.Module):
    def __init__(self, config, vision, language_width, visual_tokens):
        super().__init__()
        self.visual_tokens = visual_tokens
        self.hidden = nn.Linear(vision.width, config.hidden)
        self.projection = nn.Linear(config.hidden, language_width)

    def forward(self, features, question=None, *, visual_tokens=None):
        first = features.patches[:, : visual_tokens or self.visual_tokens]
        return self.projection(self.hidden(first))


@pytest.fixture
def vlm(make_vlm, monkeypatch):
    monkeypatch.setitem(COMPRESSORS, FirstPatchesConfig.name, FirstPatches)
    return make_vlm(FirstPatchesConfig(), 7)


def test_it_is_costed(vlm):
    assert parameters(vlm.config).total == sum(x.numel() for x in vlm.parameters())
    assert exact_flops(vlm.config, 5).compressor > 0


def test_it_is_checked_and_named_as_the_others_are(vlm):
    assert from_dict(VLMConfig, to_dict(vlm.config)) == vlm.config
    assert vlm.config.compressor.label == "first_patches"
    with pytest.raises(ValueError, match=r"first_patches .* from 1 to 144"):
        VLMConfig(compressor=FirstPatchesConfig(), visual_tokens=145)
    with pytest.raises(ValueError, match="hidden is 0"):
        FirstPatchesConfig(hidden=0)


def test_it_is_trained_saved_and_loaded(vlm, batch, images, tmp_path):
    images = images[batch.image]
    before = vlm(batch, images).loss
    before.backward()
    optimizer = torch.optim.SGD(vlm.compressor.parameters(), lr=0.1)
    optimizer.step()
    after = vlm(batch, images).loss
    assert after < before
    vlm.save_pretrained(tmp_path / "vlm")
    assert torch.equal(VLM.from_pretrained(tmp_path / "vlm")(batch, images).loss, after)
