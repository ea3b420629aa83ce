"""Checks of arguments, shared by all configs and by every function that users call.

A value that cannot be meant gets a ValueError with a sentence; one that can, such as
numpy's whole numbers, is returned as Python's own.
"""

import math
import operator
import os
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np


def whole(name: str, value: Any, least: int = 1) -> int:
    """A whole number as an int, of Python's, numpy's or torch's whole numbers.

    Raises:
        ValueError: it is none of at least `least`.
    """
    number = _index(value)
    if number is None or number < least:
        raise ValueError(
            f"{name} is {value!r}; it must be a whole number of at least {least}"
        )
    return number


def real(name: str, value: Any, least: float, most: float = math.inf) -> float:
    """A finite number as a float, of Python's, numpy's or torch's numbers.

    Raises:
        ValueError: it is none from `least` to `most`.
    """
    try:
        number = math.nan if isinstance(value, bool | str) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and least <= number <= most):
        upper = "" if most == math.inf else f" and at most {most:g}"
        raise ValueError(
            f"{name} is {value!r}; it must be a number of at least {least:g}{upper}"
        )
    return number


def as_list(name: str, values: Any) -> list[Any]:
    """Several values of any sequence as a list; a text alone is one of it.

    Raises:
        ValueError: they are not several.
    """
    if isinstance(values, str):
        return [values]
    try:
        return list(values)
    except TypeError as error:
        raise ValueError(
            f"{name} is {_short(values)}, a {type(values).__name__}; give a list"
        ) from error


def as_path(name: str, value: Any) -> Path:
    """A path, given as text or as a path; ValueError for anything else."""
    check_kind(name, value, str | os.PathLike, "give a path")
    return Path(value)


def check_kind(name: str, value: Any, kind: Any, hint: str) -> None:
    """Raises ValueError when an argument is of another class than `kind`.

    Args:
        name: of the argument.
        value: is put into the sentence, cut off after some characters.
        kind: a class, or several as for `isinstance`.
        hint: the way out, such as "give a VLMConfig".
    """
    if not isinstance(value, kind):
        raise ValueError(f"{name} is {_short(value)}, a {type(value).__name__}; {hint}")


def check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """Raises ValueError when a name is none of those that are known."""
    if value not in (known := list(choices)):
        raise ValueError(
            f"{name} {_short(value)} is not known; choose from {', '.join(known)}"
        )


def check_fields(config: Any) -> None:
    """Makes whole numbers and booleans of a config Python's own.

    Raises:
        ValueError: a field with a whole number is not at least 1, or a field with a
            boolean is none.
    """
    for name, hint in typing.get_type_hints(type(config)).items():
        value = getattr(config, name)
        if hint is int or (hint == int | None and value is not None):
            object.__setattr__(config, name, whole(name, value))
        if hint is bool:
            check_kind(name, value, bool | np.bool_, "give True or False")
            object.__setattr__(config, name, bool(value))


def wholes(name: str, values: Any, least: int, example: str) -> tuple[int, ...]:
    """Several whole numbers as a tuple of ints.

    Raises:
        ValueError: there is none, or one of them is not at least `least`.
    """
    try:
        numbers = [_index(value) for value in as_list(name, values)]
    except ValueError:
        numbers = []
    known = tuple(number for number in numbers if number is not None)
    if not known or len(known) < len(numbers) or min(known) < least:
        raise ValueError(f"{name} is {values!r}; give {example}")
    return known


def _index(value: Any) -> int | None:
    """A whole number as an int; None for anything else, booleans too."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
