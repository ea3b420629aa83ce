"""Arguments and answers as JSON, which cannot run code where it is read."""

import json
from typing import Any

import numpy as np
import pandas as pd

_EMPTY = 10_000
"""The longest side of an array without numbers, such as one of shape (0, 3)."""


def pack(value: Any) -> bytes:
    """Converts numbers, texts, lists, dicts, arrays and tables to bytes.

    Raises:
        TypeError: something else is among them.
    """
    return json.dumps(value, default=_plain).encode()


def unpack(data: bytes) -> Any:
    """Converts bytes of `pack` back; tuples come back as lists.

    Raises:
        ValueError: the bytes are something else.
    """
    return json.loads(data, object_hook=_rebuilt)


def _plain(value: Any) -> Any:
    match value:
        case np.generic():
            return value.item()
        case np.ndarray():
            return {
                "array": value.ravel().tolist(),
                "shape": value.shape,
                "kind": value.dtype.kind,
            }
        case pd.DataFrame():
            return {"table": value.to_dict("list")}
        case _ if type(value).__module__ == "torch" and hasattr(value, "detach"):
            return _plain(value.detach().cpu().numpy())  # torch need not be there
        case pd.Series():
            return _plain(value.to_numpy())
    raise TypeError(
        f"a {type(value).__name__} is neither number, text, list, array nor table"
    )


def _rebuilt(value: dict[str, Any]) -> Any:
    if value.keys() == {"array", "shape", "kind"}:
        # no rows that are not there, as a loop over them would not end
        if max(value["shape"], default=0) > max(len(value["array"]), _EMPTY):
            raise ValueError(f"{value['shape']} is no shape of {len(value['array'])}")
        return np.array(
            value["array"], {"i": int, "f": float, "b": bool}.get(value["kind"])
        ).reshape(value["shape"])
    if value.keys() == {"table"}:
        return pd.DataFrame(value["table"])
    return value
