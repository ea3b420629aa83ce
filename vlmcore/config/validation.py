"""Checks of whole numbers, shared by all configs."""

import typing
from typing import Any


def is_count(value: Any, least: int = 1) -> bool:
    """Whether a value is a whole number of at least `least`."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def check_counts(config: Any) -> None:
    """Raises ValueError when an integer field of a config is not at least 1."""
    for name, hint in typing.get_type_hints(type(config)).items():
        optional = hint == int | None
        if hint is not int and not optional:
            continue
        value = getattr(config, name)
        if not (is_count(value) or (optional and value is None)):
            raise ValueError(
                f"{name} is {value!r}; it must be a whole number of at least 1"
            )
