"""Diagrams of compressors: the sizes are the config's, and no box hides another."""

import xml.etree.ElementTree as ElementTree

import pytest

from tests.plots.test_diagrams import check_layout
from vlmcore.config import (
    PAPER,
    M3Config,
    MLPConfig,
    MQTConfig,
    PoolConfig,
    PruMergeConfig,
    PruMergePlusConfig,
    QueCCConfig,
    TokenPackerConfig,
    VLMConfig,
    replace,
)
from vlmcore.models.compressors import COMPRESSORS
from vlmcore.plots import compressor_diagrams

DRAWN = {
    MLPConfig(): (576, {"576 × 1024", "576 × 4096"}),
    PoolConfig(): (36, {"4 × 4 patches", "36 × 1024", "36 × 4096"}),
    M3Config(): (36, {"576 × 4096", "4 × 4 tokens", "36 × 4096"}),
    MQTConfig(): (36, {"first 36 of 256", "keys: positions", "16 heads"}),
    MQTConfig(content_keys=True): (2, {"keys: positions and features"}),
    TokenPackerConfig(heads=8): (4, {"resize to 2 × 2", "8 heads, 12 × 12 keys"}),
    QueCCConfig(heads=8): (1, {"1 × 4096", "24 × 24, depth-wise", "12, 16, 22, 23"}),
    PruMergeConfig(): (32, {"keep the 31 largest", "32 nearest", "1 × 576"}),
    PruMergeConfig(plus=True): (32, {"keep the 8 largest", "and 23 evenly spaced"}),
    PruMergePlusConfig(): (33, {"keep the 16 largest", "and 16 evenly spaced"}),
}


@pytest.mark.parametrize("method", DRAWN, ids=lambda method: method.name)
def test_sizes_are_those_of_the_config(method):
    v, texts = DRAWN[method]
    config = replace(PAPER, compressor=method, visual_tokens=v)
    diagram = compressor_diagrams.compressor(config)
    drawn = ElementTree.fromstring(diagram._repr_html_())
    assert texts <= {text.text for text in drawn.iter("text")}
    check_layout(diagram)
    left, _, width, _ = map(float, drawn.get("viewBox").split())
    inside = [float(box.get("x")) for box in drawn.iter("rect")]
    assert left <= min(inside) and max(inside) < left + width


def test_every_compressor_has_a_diagram():
    assert {method.name for method in DRAWN} == set(COMPRESSORS)


@pytest.mark.parametrize(
    ("method", "says"),
    [
        (None, "no diagram of None"),
        (QueCCConfig(learned_downsampling=False), "quecc_qn"),
    ],
)
def test_what_has_no_diagram_is_named(method, says):
    config = VLMConfig(compressor=method, visual_tokens=int(method is not None))
    with pytest.raises(ValueError, match=says):
        compressor_diagrams.compressor(config)


def test_diagrams_beside_each_other_keep_their_boxes_and_words():
    two = [
        compressor_diagrams.compressor(VLMConfig(compressor=method, visual_tokens=4))
        for method in (PoolConfig(), TokenPackerConfig())
    ]
    both = compressor_diagrams.beside(*two)
    assert len(both.blocks) == sum(len(diagram.blocks) for diagram in two)
    assert all(diagram.description in both.description for diagram in two)
    check_layout(both)
