"""Small compressors of every kind, features for them to compress, and a comparison with loops."""

import pytest
import torch

from vlmcore.compressors import COMPRESSORS
from vlmcore.config import VisionConfig
from vlmcore.vision import VisionFeatures

VISION = VisionConfig(image_size=24, patch_size=4, width=16, depth=3, heads=2, mlp_width=32, layers=(1, 2))
WIDTH = 24  # of the language model


@pytest.fixture
def build():
    """Builds a compressor and its input: `build(QueCCConfig(heads=2), 4)` gives module, features of three images, questions."""

    def make(config, visual_tokens, dtype=torch.float64):
        torch.manual_seed(0)
        usual = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            compressor = COMPRESSORS[config.name](config, VISION, WIDTH, visual_tokens)
            for name, parameter in compressor.named_parameters():
                if parameter.ndim == 1:  # norms and biases start at one and zero, where mistakes could hide
                    torch.nn.init.normal_(parameter, mean=float(name.endswith("weight")), std=0.3)
            features = VisionFeatures(torch.randn(3, 36, 2, 16), torch.randn(3, 37).mul(2).softmax(1)[:, 1:], torch.randn(3, 36, 16))
            return compressor, features, torch.randn(3, WIDTH)
        finally:
            torch.set_default_dtype(usual)

    return make


@pytest.fixture(params=[(torch.float32, 1e-5), (torch.float64, 1e-10)], ids=["float32", "float64"])
def precision(request):
    """A data type and how near to the loops it must come, relative to the largest output."""
    return request.param
