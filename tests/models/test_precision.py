"""The 16-bit type by the card, and an encoder whose weights have it."""

import pytest
import torch

from vlmcore.models.precision import half_of, half_precision
from vlmcore.models.vision import VisionEncoder


@pytest.mark.parametrize(
    ("processor", "cuda", "native", "dtype"),
    [
        ("T4", True, False, torch.float16),
        ("A100", True, True, torch.bfloat16),
        ("CPU", False, False, torch.bfloat16),
    ],
)
def test_a_card_without_bfloat16_computes_in_float16(processor, cuda, native, dtype):
    assert half_precision(cuda, native) is dtype


def test_this_processor_has_a_type():
    assert half_of("cpu") is torch.bfloat16


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_the_type_of_this_card_is_native():
    capable = torch.cuda.get_device_capability() >= (8, 0)
    assert half_of("cuda") is (torch.bfloat16 if capable else torch.float16)


def test_an_encoder_in_half_precision_returns_features_in_single_precision():
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    single = VisionEncoder.from_pretrained()
    half = VisionEncoder.from_pretrained(dtype=torch.bfloat16)
    assert {x.dtype for x in half.parameters()} == {torch.bfloat16}
    wanted, found = single(images, attention=True), half(images, attention=True)
    for one, other in zip(wanted, found, strict=True):
        assert other.dtype is torch.float32
        assert (one - other).norm() < 0.03 * one.norm()
