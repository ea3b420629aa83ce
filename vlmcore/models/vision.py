"""Image to patch features: a frozen vision transformer.

`VisionEncoder` wraps a transformers model (the image tower of CLIP or SigLIP, or a
plain ViT), made from a config or loaded from a checkpoint. It returns the patch
features of several layers, and on request what PruMerge (arXiv 2403.15388) needs: the
CLS token's attention to the patches, and their keys.
"""

import math
from collections.abc import Callable
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    CLIPVisionConfig,
    CLIPVisionModel,
    PreTrainedModel,
    SiglipVisionModel,
    ViTModel,
)

from vlmcore.config import VisionConfig
from vlmcore.config.validation import check_kind
from vlmcore.files import read_json, write_json
from vlmcore.folders import files_beside
from vlmcore.models.images import to_pixels
from vlmcore.models.pretrained import find_checkpoint
from vlmcore.models.pretrained.checks import check_checkpoint, quiet_loading

CHECKPOINT = Path(__file__).parent / "pretrained" / "checkpoints" / "clip-mini"
"""The miniature encoder that comes with the package;
`vlmcore.experiments.pretraining.vision_encoder` says how it was made."""

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


class VisionFeatures(NamedTuple):
    """Features of b images: p patches in rows, l layers, width d."""

    layers: Tensor
    """float (b, p, l, d): patch features of the layers named in `VisionConfig.layers`,
    without the CLS token."""
    cls_attention: Tensor | None = None
    """float (b, p): attention of the CLS token to the patches in the last layer, as one
    head over the full width."""
    keys: Tensor | None = None
    """float (b, p, d): the patches' keys in the last layer."""

    @property
    def patches(self) -> Tensor:
        """The patch features, float (b, p, d): those of the last of the layers."""
        return self.layers[:, :, -1]

    @property
    def side(self) -> int:
        """Patches along one side of the image."""
        return math.isqrt(self.layers.shape[1])

    def to(self, device: torch.device | str) -> "VisionFeatures":
        """The same features on another device."""
        layers, *rest = (
            None if x is None else x.to(device, non_blocking=True) for x in self
        )
        assert layers is not None
        return VisionFeatures(layers, *rest)


class _Family(NamedTuple):
    """How a family of transformers models is loaded, and parts of its layers."""

    load: Callable[..., PreTrainedModel]
    layers: Callable[[Any], Any]
    norm: Callable[[Any], Any]
    attention: Callable[[Any], Any]
    cls: int = 1
    """Tokens before the patches: the CLS token, or none."""


_CLIP = _Family(
    CLIPVisionModel.from_pretrained,
    attrgetter("encoder.layers"),
    attrgetter("layer_norm1"),
    attrgetter("self_attn"),
)
_VIT = _Family(
    partial(ViTModel.from_pretrained, add_pooling_layer=False),
    attrgetter("layers"),
    attrgetter("layernorm_before"),
    attrgetter("attention"),
)
_SIGLIP = _CLIP._replace(load=SiglipVisionModel.from_pretrained, cls=0)
VISION_FAMILIES = {
    "clip": _CLIP,
    "clip_vision_model": _CLIP,
    "siglip": _SIGLIP,
    "siglip_vision_model": _SIGLIP,
    "vit": _VIT,
}
"""Supported models, by transformers' model type."""


class VisionEncoder(nn.Module):
    """A frozen transformers vision model that returns `VisionFeatures`.

    Args:
        model: a model of one of the `VISION_FAMILIES`.
        layers: hidden states to return, as in `VisionConfig.layers`.
        mean: per-channel mean that the model was trained with, for pixels in [0, 1].
        std: per-channel standard deviation, likewise.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        model: PreTrainedModel,
        layers: tuple[int, ...],
        mean: tuple[float, ...] = CLIP_MEAN,
        std: tuple[float, ...] = CLIP_STD,
    ) -> None:
        super().__init__()
        check_kind(
            "model", model, PreTrainedModel, "give a vision model of transformers"
        )
        sizes = model.config
        self.family = _family(sizes.model_type)
        self.model: Any = model.eval().requires_grad_(False)
        self.config = VisionConfig(
            # of SigLIP's 384 pixels, 27 patches of 14 cover 378
            sizes.image_size // sizes.patch_size * sizes.patch_size,
            sizes.patch_size,
            sizes.hidden_size,
            sizes.num_hidden_layers,
            sizes.num_attention_heads,
            sizes.intermediate_size,
            layers,
        )
        for name, values in (("mean", mean), ("std", std)):
            if np.shape(values) != (3,):
                raise ValueError(
                    f"{name} is {values}; give a number for each of R, G, B"
                )
            channels = torch.tensor(values).view(1, 3, 1, 1)
            self.register_buffer(name, channels, persistent=False)
        self.padding = tuple(int(255 * value) for value in mean)  # as in LLaVA

    @classmethod
    def from_config(cls, config: VisionConfig) -> "VisionEncoder":
        """An untrained encoder of these sizes, with CLIP's architecture."""
        check_kind("config", config, VisionConfig, "give a VisionConfig")
        return cls(CLIPVisionModel(clip_config(config)), config.layers)

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path = CHECKPOINT,
        layers: tuple[int, ...] | None = None,
        *,
        dtype: torch.dtype = torch.float32,
    ) -> "VisionEncoder":
        """Loads a checkpoint in transformers' format.

        Args:
            name: a name on the hub, such as `openai/clip-vit-large-patch14-336`, or a
                folder with `config.json`, `model.safetensors` and, for mean and
                deviation of the pixels, `preprocessor_config.json`.
            layers: hidden states to return; by default all between the first and the
                last of up to four layers, and of a deeper model those at the paper's
                proportions of the depth (1/2, 2/3 and the last two before the end: 12,
                16, 22 and 23 of CLIP-L's 24).
            dtype: of the weights; features are in single precision all the same.

        Raises:
            FileNotFoundError: the folder holds no checkpoint.
            ValueError: the checkpoint is damaged, or of a family that is not supported.
        """
        check_kind("dtype", dtype, torch.dtype, "give one of torch's, such as float32")
        folder = find_checkpoint(name)
        check_checkpoint(folder)
        family = _family(AutoConfig.from_pretrained(folder).model_type)
        with quiet_loading():
            model = family.load(folder, dtype=dtype)
        if layers is None:
            layers = _usual_layers(model.config.num_hidden_layers)
        pixels = folder / "preprocessor_config.json"
        if not pixels.exists():
            return cls(model, layers)
        scale = read_json(pixels)
        check_kind(str(pixels), scale, dict, "give image_mean and image_std")
        return cls(model, layers, scale.get("image_mean"), scale.get("image_std"))

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes what `from_pretrained` reads; raises as `folders.files_beside`."""
        mean, std = self.mean.flatten().tolist(), self.std.flatten().tolist()
        with files_beside(folder) as partial:
            with quiet_loading():
                self.model.save_pretrained(partial)
            scale = {"image_mean": mean, "image_std": std}
            write_json(partial / "preprocessor_config.json", scale)

    def made_of(self) -> dict[str, Any]:
        """Everything that decides its features."""
        pixels, kind = [self.mean, self.std], self.model.config.model_type
        return {"sizes": [kind, self.config], "modules": self.model, "pixels": pixels}

    def prepare(self, images: Any) -> Tensor:
        """Images as the model takes them: square, of its size, and normalised.

        Args:
            images: one or many of any kind, as for `vlmcore.models.images.to_pixels`.

        Returns:
            float (b, 3, h, h).

        Raises:
            FileNotFoundError: a file is missing.
            ValueError: there is no image, or one that cannot be read.
        """
        size, device = self.model.config.image_size, self.mean.device
        pixels = to_pixels(images, size, self.padding, device)
        return (pixels.to(self.mean.dtype) - self.mean) / self.std

    def forward(self, images: Any, *, attention: bool = False) -> VisionFeatures:
        """Features of images.

        Args:
            images: as for `prepare`.
            attention: whether CLS attention and keys are needed too.

        Raises:
            ValueError: CLS attention is asked of a model without a CLS token.
        """
        if attention and not self.family.cls:
            kind = self.model.config.model_type
            raise ValueError(
                f"a {kind!r} model has no CLS token to read attention from; take a "
                "CLIP encoder or another compressor"
            )
        values = self.prepare(images).to(self.model.dtype)
        states = self.model(values, output_hidden_states=True).hidden_states
        chosen = [states[i][:, self.family.cls :] for i in self.config.layers]
        layers = torch.stack(chosen, dim=2).to(self.mean.dtype)
        if not attention:
            return VisionFeatures(layers)
        last = self.family.layers(self.model)[-1]
        before = self.family.norm(last)(states[-2])
        module = self.family.attention(last)
        query, keys = (
            projected.to(self.mean.dtype)
            for projected in (module.q_proj(before[:, :1]), module.k_proj(before))
        )
        scores = (query @ keys.mT).squeeze(1) / math.sqrt(keys.shape[-1])
        return VisionFeatures(layers, scores.softmax(-1)[:, 1:], keys[:, 1:])


def clip_config(config: VisionConfig) -> CLIPVisionConfig:
    """The transformers config of an encoder of these sizes."""
    return CLIPVisionConfig(
        image_size=config.image_size,
        patch_size=config.patch_size,
        hidden_size=config.width,
        intermediate_size=config.mlp_width,
        num_hidden_layers=config.depth,
        num_attention_heads=config.heads,
        projection_dim=config.width,
        # CLIP's own quick_gelu is three operations here, and a training step with it
        # takes half as long again
        hidden_act="gelu",
    )


def _family(model_type: str) -> _Family:
    if model_type not in VISION_FAMILIES:
        raise ValueError(
            f"a {model_type!r} model is not supported; choose one of the families "
            f"{', '.join(VISION_FAMILIES)}"
        )
    return VISION_FAMILIES[model_type]


def _usual_layers(depth: int) -> tuple[int, ...]:
    """The hidden states that a model of this depth returns by default."""
    if depth > 4:
        return tuple(sorted({depth // 2, depth * 2 // 3, depth - 2, depth - 1}))
    return tuple(range(1, depth)) or (0,)
