"""Values go over the line unchanged, or are refused."""

import json

import numpy as np
import pandas as pd
import pytest

from vlmcore.course.wire import pack, unpack


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.array([0.1, np.inf, np.nan]),
        np.array([True, False]),
        np.zeros((0, 3)),
    ],
)
def test_arrays_keep_values_shape_and_kind(array):
    back = unpack(pack([array]))[0]
    assert back.dtype.kind == array.dtype.kind
    np.testing.assert_array_equal(back, array)


def test_tables_keep_columns_and_numbers():
    table = pd.DataFrame(
        {"set": ["ocr", "visual"], "params": [5e8, 7e9], "visual_tokens": [1, 576]}
    )
    pd.testing.assert_frame_equal(unpack(pack(table)), table)


def test_numbers_texts_and_nests():
    value = {"a": (1, 2.5, "ü"), "b": [None, True, {"c": np.float64(0.1)}]}
    assert unpack(pack(value)) == {"a": [1, 2.5, "ü"], "b": [None, True, {"c": 0.1}]}


def test_what_runs_is_refused():
    with pytest.raises(TypeError, match="a function is neither number"):
        pack({"f": lambda: 0})


@pytest.mark.parametrize("shape", [[10**15, 0], [0, 10**15], [10**15]])
def test_rows_that_are_not_there_are_refused(shape):
    """A check that walks over 10^15 rows without numbers would never end."""
    with pytest.raises(ValueError, match="is no shape of 0"):
        unpack(json.dumps({"array": [], "shape": shape, "kind": "f"}).encode())


def test_it_is_plain_json():
    assert json.loads(pack(np.array([1, 2]))) == {
        "array": [1, 2],
        "shape": [2],
        "kind": "i",
    }
