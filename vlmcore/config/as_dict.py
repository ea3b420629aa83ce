"""Configs as plain JSON values and back, and changed copies of them."""

import dataclasses
import types
import typing
from typing import Any, TypeVar

from vlmcore.config.base import CompressorConfig
from vlmcore.config.validation import check_choice, check_kind

T = TypeVar("T")


def replace(config: Any, **changes: Any) -> Any:
    """`dataclasses.replace` that answers an unknown field with the known ones.

    Example:
        >>> from vlmcore.config import VLMConfig
        >>> replace(VLMConfig(), visual_tokens=4).visual_tokens
        4
    """
    _check_fields(type(config), changes)
    return dataclasses.replace(config, **changes)


def to_dict(config: Any) -> dict[str, Any]:
    """A config as plain JSON values; a compressor's carries its `name`."""
    _check_config(type(config))
    name = {"name": config.name} if isinstance(config, CompressorConfig) else {}
    return name | {
        field.name: _encode(getattr(config, field.name))
        for field in dataclasses.fields(config)
    }


def from_dict(kind: type[T], values: dict[str, Any]) -> T:
    """The config that `to_dict` wrote down.

    Raises:
        ValueError: a field is unknown, or a value is refused by the config.
    """
    check_kind(kind.__name__, values, dict, "give the fields, as to_dict writes them")
    _check_fields(kind, values)
    hints = typing.get_type_hints(kind)
    return kind(**{name: _decode(hints[name], value) for name, value in values.items()})


def _encode(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_dict(value)
    return list(value) if isinstance(value, tuple) else value


def _decode(hint: Any, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, dict):
        return value
    if isinstance(hint, types.UnionType):
        (hint,) = (kind for kind in typing.get_args(hint) if kind is not types.NoneType)
    if hint is CompressorConfig:  # its name says which
        known = {kind.name: kind for kind in CompressorConfig.__subclasses__()}
        value = dict(value)
        check_choice("compressor", name := value.pop("name", None), known)
        hint = known[name]
    is_config = isinstance(hint, type) and dataclasses.is_dataclass(hint)
    return from_dict(hint, value) if is_config else value


def _check_fields(kind: Any, values: dict[str, Any]) -> None:
    _check_config(kind)
    known = [field.name for field in dataclasses.fields(kind)]
    for name in values:
        if name not in known:
            raise ValueError(
                f"{kind.__name__} has no field {name!r}; its fields are "
                f"{', '.join(known)}"
            )


def _check_config(kind: Any) -> None:
    if not hasattr(kind, "__dataclass_fields__"):
        raise ValueError(f"{kind} is no config; give one, such as VLMConfig()")
