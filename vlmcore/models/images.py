"""Images of every kind as pixels: files, PIL, numpy and torch.

`to_pixels` takes one image or many, and `VisionEncoder` calls it on whatever it is
given, so that the same picture gives the same features in every form. Its rules:

- A file or a PIL image becomes RGB as PIL converts it, as in LLaVA's code: alpha is
  dropped, and the first frame counts. Grey of more than 8 bits is scaled, where PIL
  would make it white.
- The rotation in a photograph's EXIF data is applied, so that the model sees what a
  viewer shows. LLaVA's own code ignores it.
- A rectangle is padded to a square with the encoder's mean colour, `int(255 * mean)`,
  as in LLaVA, and then resized; it is never stretched.
"""

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from vlmcore.config.validation import whole, wholes

CLIP_COLOUR = (122, 116, 104)
"""The mean that CLIP subtracts."""

LONGEST_SIDE = 16384
"""Pixels of a side; the square around a longer image would take gigabytes."""

_GREYS = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
"""PIL's modes of more than 8 bits."""
_TAKEN = (
    "give files, PIL images, or arrays (h, w, 3), (3, h, w) or (h, w), one or a list "
    "or batch of them"
)


class UnreadableImageError(ValueError):
    """Raised for an image that exists and cannot be decoded."""


def to_pixels(
    images: Any,
    size: int,
    padding: Sequence[int] = CLIP_COLOUR,
    device: torch.device | None = None,
) -> Tensor:
    """One image or many as a batch of squares.

    Args:
        images: files (paths, bytes, or open ones), PIL images of any mode, arrays or
            tensors of grey, RGB or RGBA, with channels first or last: one of them, or a
            list of any of them, whatever their sizes. Arrays may also be batches. Their
            values are whole numbers of 8 or 16 bits, booleans, or floats between 0 and
            1.
        size: pixels of a side of the squares.
        padding: its colour, RGB between 0 and 255; LLaVA takes the mean that the
            encoder subtracts, by default CLIP's.
        device: where to resize; by default where the images are.

    Returns:
        float (b, 3, size, size), between 0 and 1.

    Raises:
        FileNotFoundError: a file is missing.
        UnreadableImageError: a file cannot be decoded.
        ValueError: there is no image, or one is of another kind or shape.

    Example:
        >>> to_pixels(Image.new("1", (30, 20)), size=24).shape
        torch.Size([1, 3, 24, 24])
    """
    size = whole("size", size)
    padding = wholes("padding", padding, 0, "three numbers up to 255, for RGB")
    several = images if isinstance(images, list | tuple) else [images]
    if not len(several):
        raise ValueError("there is no image; give at least one")
    parts = [_resize(_pad(_rgb(x, device), padding), size) for x in several]
    return torch.cat([part.to(parts[0].device) for part in parts])


def read_image(source: Any, name: str | None = None) -> Image.Image:
    """Opens an image file and decodes it, upright.

    Args:
        source: the path of the file, its bytes, or the open file.
        name: of the image in messages.

    Raises:
        FileNotFoundError: the file is missing.
        UnreadableImageError: it cannot be decoded.
    """
    file: Any = io.BytesIO(source) if isinstance(source, bytes) else source
    usual = "an image in bytes" if isinstance(source, bytes) else str(source)[:300]
    with _decoding(name or usual), Image.open(file) as image:
        return ImageOps.exif_transpose(image)


def as_rgb(image: Image.Image) -> Image.Image:
    """A PIL image of any mode, upright, in RGB of 8 bits; grey of more is scaled."""
    if image.mode in _GREYS:
        pixels = _unit(_from_pil(image).movedim(2, 0))
        return Image.fromarray((pixels * 255).round().byte().movedim(0, 2).numpy())
    with _decoding(f"a PIL image of mode {image.mode}"):
        image = ImageOps.exif_transpose(image)
        return (image.convert("LA") if image.mode == "La" else image).convert("RGB")


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Turns any failure to decode an image into a sentence with its name."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{name} is missing; check the path of the image"
        ) from error
    except Exception as error:  # on damaged bytes, decoders raise errors of all kinds
        unknown = isinstance(error, UnidentifiedImageError)
        reason = "no known format" if unknown else str(error)[:100]
        raise UnreadableImageError(
            f"{name} cannot be decoded ({reason}); give a whole image file"
        ) from error


def _rgb(image: Any, device: torch.device | None) -> Tensor:
    """One image, or a batch of an array, as float (b, 3, h, w) between 0 and 1."""
    if isinstance(image, str | bytes | os.PathLike) or hasattr(image, "read"):
        image = read_image(image)
    if isinstance(image, Image.Image):
        array = _from_pil(image).movedim(2, 0)[None]
    elif isinstance(image, Tensor) or hasattr(image, "__array__"):
        array = _channels_first(image)
    else:
        raise ValueError(
            f"an image cannot be made of a {type(image).__name__}; {_TAKEN}"
        )
    return _unit(array if device is None else array.to(device))


def _from_pil(image: Image.Image) -> Tensor:
    """A PIL image of any mode, uint8 or float (h, w, 3)."""
    with _decoding(f"a PIL image of mode {image.mode}"):
        image = ImageOps.exif_transpose(image)
        if image.mode not in _GREYS:
            if image.mode == "La":  # PIL converts it only to what it was made of
                image = image.convert("LA")
            return torch.from_numpy(np.array(image.convert("RGB")))
    if image.mode == "F":  # says no range: the least of the usual ones that holds it
        values = np.array(image)
        white = next((white for white in (255, 65535) if 1 < values.max() <= white), 1)
        grey = torch.from_numpy(values / white)
    else:
        grey = torch.from_numpy(np.array(image, np.int32))
    return grey[..., None].expand(-1, -1, 3)


def _channels_first(array: Any) -> Tensor:
    """An array of one image or a batch, as a tensor (b, 3, h, w) of the same values."""
    if not isinstance(array, Tensor):
        values = np.asarray(array)
        if values.dtype.kind not in "biuf":
            raise ValueError(f"an image cannot be made of {values.dtype}; {_TAKEN}")
        # torch takes neither a foreign byte order nor steps backwards
        native = values.dtype.newbyteorder("=")
        native = np.dtype(np.float32) if native.kind == "f" else native
        array = torch.from_numpy(np.array(values, native, order="C"))
    shape = tuple(array.shape)
    if array.ndim == 2:
        array = array[None]
    if array.ndim == 3:
        array = array[None]
    sides = tuple(array.shape[1::2]) if array.ndim == 4 else ()
    channels = next((number for number in (3, 1, 4) if number in sides), None)
    if channels is None or sides in ((3, 3), (4, 4)):  # first or last, none can say
        raise ValueError(
            "images must be RGB, RGBA or grey, with the channels first or last, and "
            f"not of shape {shape}; {_TAKEN}"
        )
    if sides[0] != channels:
        array = array.movedim(3, 1)
    if not array.numel():
        raise ValueError(f"images of shape {shape} have no pixels; give at least one")
    return array.expand(-1, 3, -1, -1) if channels == 1 else array[:, :3]


def _unit(array: Tensor) -> Tensor:
    """Values of images as float32 between 0 and 1.

    Whole numbers up to 255 have 8 bits, and up to 65535 they have 16.
    """
    if array.dtype == torch.uint8:
        return array.float() / 255
    if array.dtype == torch.bool:
        return array.float()
    if not array.is_complex():
        values = array.float()
        least, most = values.min().item(), values.max().item()
        levels = (1,) if array.is_floating_point() else (255, 65535)
        if white := next((white for white in levels if 0 <= least <= most <= white), 0):
            return values / white
    raise ValueError(
        "pixels must be floats between 0 and 1, or whole numbers up to 255 or 65535; "
        f"these are {array.dtype}"
        + ("" if array.is_complex() else f" from {least:g} to {most:g}")
    )


def _pad(images: Tensor, padding: Sequence[int]) -> Tensor:
    """Images (b, 3, h, w) in the middle of squares of the padding."""
    height, width = images.shape[2:]
    side = max(height, width)
    if not height or not width or side > LONGEST_SIDE:
        raise ValueError(
            f"an image of {height} x {width} pixels cannot be padded to a square; give "
            f"sides between 1 and {LONGEST_SIDE}"
        )
    if height == width:
        return images
    colour = images.new_tensor(padding) / 255
    squares = colour.view(1, 3, 1, 1).repeat(len(images), 1, side, side)
    top, left = (side - height) // 2, (side - width) // 2
    squares[..., top : top + height, left : left + width] = images
    return squares


def _resize(images: Tensor, size: int) -> Tensor:
    """Squares (b, 3, h, h) of `size` pixels a side."""
    if images.shape[-1] == size:
        return images
    return F.interpolate(
        images, size=size, mode="bicubic", antialias=True, align_corners=False
    ).clamp(0, 1)
