"""Fingerprints: the same for the same work in every process, another for other work."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from vlmcore.config import MQTConfig, PoolConfig, VLMConfig
from vlmcore.fingerprint import fingerprint
from vlmcore.models.feature_cache import FeatureStore

VALUES = [
    None,
    0,
    False,
    0.0,
    "0",
    b"0",
    [0],
    [[0]],
    [0, 0],
    {"a": 0},
    {"b": 0},
    {"a": None},
    Path("0"),
    np.zeros(2),
    np.zeros(2, "f4"),
    np.zeros((2, 1)),
    np.array(["a", "b"]),
    np.array(["ab", ""]),
    torch.zeros(2),
    torch.zeros(2, dtype=torch.bfloat16),
    torch.zeros(2, 1),
    torch.tensor([0.0, -0.0]),
    torch.tensor(True),
    PoolConfig(),
    MQTConfig(),
    VLMConfig(),
    VLMConfig(visual_tokens=4),
    np.add,
    fingerprint,
]


def test_what_differs_has_another_fingerprint():
    assert len({fingerprint(value) for value in VALUES}) == len(VALUES)
    assert fingerprint("ab", "c") != fingerprint("a", "bc")


def test_what_is_the_same_has_the_same_in_every_process():
    """Also where it lies differently in memory."""
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    even = torch.arange(8)[::2]
    assert fingerprint(even) == fingerprint(even.clone())
    assert fingerprint(even.numpy()) == fingerprint(even.numpy().copy())
    script = (
        "from vlmcore.fingerprint import fingerprint\nfrom vlmcore.config import *\n"
        "print(fingerprint({'a', 'b'} and [VLMConfig(), {'a': 1, 'b': 0.5}]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True)
    here = fingerprint([VLMConfig(), {"a": 1, "b": 0.5}])
    assert done.stdout.decode().strip() == here


def test_a_value_of_another_kind_gets_a_sentence():
    with pytest.raises(TypeError, match="no fingerprint of a partial; give plain"):
        fingerprint([partial(print)])


def test_every_part_of_an_encoder_decides_its_features(make_vlm, images, tmp_path):
    """Features were once shared by encoders with another normalisation."""

    def other(change):
        encoder = make_vlm().vision
        change(encoder)
        return FeatureStore(encoder, images.numpy(), tmp_path).path

    def activation(encoder):
        encoder.model.encoder.layers[0].mlp.activation_fn = torch.nn.ReLU()

    changes = [
        lambda encoder: None,
        lambda encoder: encoder.std.mul_(2),
        lambda encoder: encoder.mean.add_(1),
        lambda encoder: next(encoder.model.parameters()).data.view(-1)[0].add_(1),
        activation,
    ]
    assert len({other(change) for change in changes}) == len(changes)
    assert other(lambda encoder: None).exists()
    other(lambda encoder: None).write_bytes(b"x")
    with pytest.raises(ValueError, match=r"is damaged.*delete it, it is made"):
        other(lambda encoder: None)
