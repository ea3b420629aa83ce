"""Diagrams: sizes from a config, text for those who do not see, nothing unescaped."""

import xml.etree.ElementTree as ElementTree

import pytest

from vlmcore import cost
from vlmcore.config import PAPER, VLMConfig
from vlmcore.plots import diagrams

MINIATURE = VLMConfig()
NAMES = {"svg": "http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("config", [PAPER, MINIATURE], ids=["paper", "miniature"])
def test_sizes_are_those_of_the_config(config):
    params = cost.parameters(config).language
    whole = diagrams.whole_model(config, params)
    encoder = diagrams.encoder_layers(config.vision)
    decoder = diagrams.decoder_layers(config.language)
    patches, d, e = config.vision.patches, config.vision.width, config.language.width
    for diagram, texts in (
        (whole, [f"{patches} × {d}", f"to V = {config.visual_tokens}"]),
        (encoder, [f"{patches} × {3 * config.vision.patch_size**2}", f"1 × {d}"]),
        (decoder, [f"V × {e}", f"{config.language.vocab_size} scores"]),
    ):
        drawn = ElementTree.fromstring(diagram._repr_html_())
        found = [text.text for text in drawn.iter("text")]
        assert set(texts) <= set(found)
        assert drawn.get("aria-label") == diagram.description


def check_layout(diagram):
    """Boxes do not overlap, and arrows join boxes."""
    places = [(block.column, block.row) for block in diagram.blocks.values()]
    for i, (column, row) in enumerate(places):
        for other, below in places[:i]:
            assert abs(row - below) >= 1 or abs(column - other) >= 1
    ends = {name for arrow in diagram.arrows for name in arrow[:2]}
    assert ends <= set(diagram.blocks)


@pytest.mark.parametrize(
    "diagram",
    [
        diagrams.whole_model(PAPER, 1e9),
        diagrams.encoder_layers(PAPER.vision),
        diagrams.decoder_layers(PAPER.language),
    ],
)
def test_boxes_do_not_overlap_and_arrows_join_boxes(diagram):
    check_layout(diagram)


def test_text_is_escaped():
    block = diagrams.Block(0, 0, "a < b & c")
    drawn = diagrams.Diagram({"a": block}, [], 'says "so"')._repr_html_()
    assert "a &lt; b &amp; c" in drawn and "says &quot;so&quot;" in drawn
