"""Features of a data set, computed once for a frozen encoder.

`FeatureStore` keeps them in half precision, memory-mapped, and shares them among all
models and processes. At full size they would be terabytes: `LiveFeatures` computes
those of a batch when they are asked for, on the device where the encoder is.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vlmcore.config.validation import as_path, check_kind
from vlmcore.files import beside
from vlmcore.fingerprint import fingerprint, torch_version
from vlmcore.models.vision import VisionEncoder, VisionFeatures


class FeatureStore:
    """Features of a data set in half precision, memory-mapped.

    They are computed once and shared by all models and processes.

    Args:
        encoder: computes the features that are not in the folder yet.
        images: uint8 (n, 3, h, h).
        folder: holds one file for each field of `VisionFeatures`, named by the
            fingerprint of encoder, images and version of torch.
        batch_size: images a step.
        attention: whether CLS attention and keys are kept too, as PruMerge needs them.
    """

    def __init__(
        self,
        encoder: VisionEncoder,
        images: np.ndarray,
        folder: str | Path,
        batch_size: int = 256,
        *,
        attention: bool = False,
    ) -> None:
        images = _array(encoder, images)
        self.mark = fingerprint(encoder, images, torch_version())
        folder, mark = as_path("folder", folder), self.mark
        patches, width = encoder.config.patches, encoder.config.width
        self.path = folder / f"features-{mark}.npy"
        shapes: dict[Path, tuple[int, ...]] = {
            self.path: (patches, len(encoder.config.layers), width)
        }
        if attention:
            shapes[folder / f"attention-{mark}.npy"] = (patches,)
            shapes[folder / f"keys-{mark}.npy"] = (patches, width)
        _write_features(encoder, images, shapes, batch_size)
        self.arrays = [
            _open(path, (len(images), *shape)) for path, shape in shapes.items()
        ]

    def made_of(self) -> dict[str, Any]:
        """Everything that decides the features."""
        return {"features": self.mark, "fields": len(self.arrays)}

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, rows: Tensor) -> VisionFeatures:
        """Features of the images in `rows`, int (b,), in single precision."""
        chosen = np.atleast_1d(rows)
        return VisionFeatures(
            *(torch.from_numpy(array[chosen]).float() for array in self.arrays)
        )


class LiveFeatures:
    """Features of a data set that are computed at every access.

    Args:
        encoder: computes the features.
        images: uint8 (n, 3, h, h).
        attention: whether CLS attention and keys are computed too.
    """

    def __init__(
        self, encoder: VisionEncoder, images: np.ndarray, *, attention: bool = False
    ) -> None:
        self.encoder, self.attention = encoder, attention
        self.images = _array(encoder, images)

    def made_of(self) -> dict[str, Any]:
        """Everything that decides the features."""
        fields = 3 if self.attention else 1
        return {"features": [self.encoder, self.images], "fields": fields}

    def __len__(self) -> int:
        return len(self.images)

    @torch.no_grad()
    def __getitem__(self, rows: Tensor) -> VisionFeatures:
        """Features of the images in `rows`, int (b,)."""
        return self.encoder(self.images[np.atleast_1d(rows)], attention=self.attention)


Features = FeatureStore | LiveFeatures
"""Features of a data set, by the numbers of its images."""


@torch.inference_mode()
def _write_features(
    encoder: VisionEncoder,
    images: np.ndarray,
    shapes: dict[Path, tuple[int, ...]],
    batch_size: int,
) -> None:
    """Writes missing files; `shapes` is in the order of `VisionFeatures`' fields."""
    missing = {path: shape for path, shape in shapes.items() if not path.exists()}
    if not missing:
        return
    with ExitStack() as files:
        arrays = {
            path: np.lib.format.open_memmap(
                files.enter_context(beside(path)),
                mode="w+",
                dtype=np.float16,
                shape=(len(images), *shape),
            )
            for path, shape in missing.items()
        }
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            seen = encoder(images[part], attention=len(shapes) > 1)
            # without attention there is one file
            for path, values in zip(shapes, seen, strict=False):
                if path in arrays:
                    arrays[path][part] = values.half().cpu().numpy()
        for array in arrays.values():
            array.flush()


def _array(encoder: VisionEncoder, images: Any) -> np.ndarray:
    """Images as an array (n, …), or a sentence."""
    check_kind("encoder", encoder, VisionEncoder, "give a VisionEncoder")
    hint = "give an array (n, 3, h, h); vlmcore.models.images.to_pixels makes one"
    check_kind("images", images, np.ndarray | torch.Tensor, hint)
    if images.ndim != 4:
        raise ValueError(f"images are of shape {tuple(images.shape)}; {hint}")
    return np.asarray(images)


def _open(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The features in a file, which must have this shape."""
    try:
        array = np.load(path, mmap_mode="r")
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged ({error}); delete it, it is made again"
        ) from error
    if array.shape != shape or array.dtype != np.float16:
        raise ValueError(
            f"{path} is damaged: it holds {array.dtype} of shape {array.shape}, not "
            f"float16 of {shape}; delete it, it is made again"
        )
    return array
