"""Checks at the entrance of every compressor: the features, and the V of a call.

V is fixed for compressors with weights for one V, and chosen for others.
"""

from typing import Any

from vlmcore.config import CompressorConfig, VisionConfig
from vlmcore.config.validation import check_kind, whole
from vlmcore.models.vision import VisionFeatures


def checked_features(features: Any, vision: VisionConfig) -> VisionFeatures:
    """Features that an encoder of these sizes has made.

    Raises:
        ValueError: they are none, or of other sizes.
    """
    hint = "give the features of a VisionEncoder"
    check_kind("features", features, VisionFeatures, hint)
    expected = (vision.patches, len(vision.layers), vision.width)
    if (shape := tuple(features.layers.shape))[1:] != expected:
        raise ValueError(
            f"features of shape {shape} do not fit: of an image, the compressor reads "
            f"(patches, layers, width) = {expected}; encode images with the encoder "
            "that it was built for"
        )
    return features


def check_fixed(visual_tokens: int, asked: int | None) -> None:
    """Raises ValueError when a call asks for another V than the compressor's own."""
    if asked is not None and whole("visual_tokens", asked) != visual_tokens:
        raise ValueError(
            f"this compressor has weights for {visual_tokens} visual tokens and "
            f"cannot give {asked}; build one for {asked}"
        )


def choose(
    config: CompressorConfig, side: int, visual_tokens: int, asked: int | None
) -> int:
    """The V of a call: the one asked for, or else that of the model.

    Raises:
        ValueError: the method cannot give it on a grid of `side` x `side` patches.
    """
    if asked is None:
        return visual_tokens
    config.check_visual_tokens(side, asked)
    return whole("visual_tokens", asked)
