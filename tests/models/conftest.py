import pytest
import torch

from vlmcore.models.vision import VisionFeatures


@pytest.fixture
def features():
    torch.manual_seed(1)
    return VisionFeatures(
        torch.randn(4, 36, 2, 16),
        torch.randn(4, 37).softmax(1)[:, 1:],
        torch.randn(4, 36, 16),
    )
