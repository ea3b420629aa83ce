"""Small compressors of every kind and features for them to compress."""

import pytest
import torch

from tests.conftest import TINY_LANGUAGE, TINY_VISION
from vlmcore.models.compressors import COMPRESSORS
from vlmcore.models.vision import VisionFeatures


@pytest.fixture
def build():
    """Builds a compressor, features of three images and their questions' states.

    Example: `build(QueCCConfig(heads=2), 4)`.
    """

    def make(config, visual_tokens, dtype=torch.float64):
        torch.manual_seed(0)
        usual = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            compressor = COMPRESSORS[config.name](
                config, TINY_VISION, TINY_LANGUAGE.width, visual_tokens
            )
            for name, parameter in compressor.named_parameters():
                if (
                    parameter.ndim == 1
                ):  # norms and biases start at one and zero, where mistakes could hide
                    torch.nn.init.normal_(
                        parameter, mean=float(name.endswith("weight")), std=0.3
                    )
            features = VisionFeatures(
                torch.randn(3, 36, 2, 16),
                torch.randn(3, 37).mul(2).softmax(1)[:, 1:],
                torch.randn(3, 36, 16),
            )
            return compressor, features, torch.randn(3, TINY_LANGUAGE.width)
        finally:
            torch.set_default_dtype(usual)

    return make


@pytest.fixture(
    params=[(torch.float32, 1e-5), (torch.float64, 1e-10)], ids=["float32", "float64"]
)
def precision(request):
    """A data type, and its tolerance relative to the largest output."""
    return request.param
