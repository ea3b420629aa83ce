"""Fingerprints of everything that decides an outcome: data, weights, options, versions.

Whatever resumes or is reused carries them, so that it is never taken for something
else. All bytes of tensors and arrays are read: at about one gigabyte a second this is
a small part of the time of an epoch.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

_PACKAGES = (
    "vlmcore",
    "torch",
    "transformers",
    "lightning",
    "torchmetrics",
    "numpy",
    "pandas",
)


@runtime_checkable
class Described(Protocol):
    """Something that knows what it is made of."""

    def made_of(self) -> dict[str, Any]:
        """Everything that decides what it does, by name."""


def fingerprint(*values: Any) -> str:
    """A hash of plain values, configs, arrays, tensors, modules, or several of them.

    A function counts by its name.

    Raises:
        TypeError: a value is of another kind.

    Example:
        >>> fingerprint({"seed": 0}, [1.0])
        '0acab9930b4f6f4c'
    """
    digest = hashlib.sha256()
    for piece in _pieces(values):
        view = memoryview(piece)
        digest.update(f"{view.nbytes}:".encode())
        digest.update(view)
    return digest.hexdigest()[:16]


def torch_version() -> str:
    """The version of torch, as far as it decides results: 2.9 of 2.9.1+cpu."""
    return ".".join(version("torch").split(".")[:2])


def versions() -> dict[str, str]:
    """The versions of this package and of those that decide its results."""
    found = dict[str, str]()
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _pieces(value: Any) -> Iterator[Any]:
    """The bytes of a value, in an order that is its own."""
    match value:
        case None | bool() | int() | float() | str() | Path():
            yield repr(value).encode()
        case np.generic():
            yield repr(value.item()).encode()
        case bytes():
            yield b"bytes"
            yield value
        case Described():
            yield from _pieces(value.made_of())
        case dict():
            yield f"dict of {len(value)}".encode()
            for key in sorted(value, key=repr):
                yield from _pieces((key, value[key]))
        case list() | tuple():
            yield f"list of {len(value)}".encode()
            for item in value:
                yield from _pieces(item)
        case Tensor() | np.ndarray():
            yield from _array_pieces(value)
        case nn.Module():
            yield repr(value).encode()
            yield from _pieces(dict(value.named_parameters()))
            yield from _pieces(dict(value.named_buffers()))
        case _ if is_dataclass(value) and not isinstance(value, type):
            yield type(value).__qualname__.encode()
            for field in fields(value):
                yield from _pieces((field.name, vars(value)[field.name]))
        case _ if hasattr(value, "__qualname__"):
            yield f"{value.__module__}.{value.__qualname__}".encode()
        case _:
            raise TypeError(
                f"there is no fingerprint of a {type(value).__name__}; give plain "
                "values, arrays, tensors or modules, or a method made_of that does"
            )


def _array_pieces(array: Tensor | np.ndarray) -> Iterator[Any]:
    yield f"{array.dtype} {tuple(array.shape)}".encode()
    if isinstance(array, Tensor):  # as bytes, since numpy has no bfloat16
        flat = array.detach().cpu().contiguous().reshape(-1)
        yield flat.view(torch.uint8).numpy()
    elif array.dtype == object:
        yield from _pieces(array.tolist())
    else:
        yield np.ascontiguousarray(array).reshape(-1).view(np.uint8)
