import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast

from tests.conftest import TINY_LANGUAGE
from vlmcore.config import replace
from vlmcore.data.easyvqa import EasyVQASplit, sample
from vlmcore.data.synthetic.drawing import COLOURS, SHAPES
from vlmcore.experiments.pretraining.easyvqa_targets import OWN_SCORE, shape_targets
from vlmcore.experiments.pretraining.scene_tokens import embed_scenes
from vlmcore.models.language import LanguageModel


@pytest.fixture(scope="module")
def language():
    """A tiny model with a tokenizer that cuts teal in two, as SmolLM2's does."""
    pieces = [
        "<pad>",
        "<unk>",
        "<s>",
        "</s>",
        *(c for c in COLOURS if c != "teal"),
        *SHAPES,
        "te",
        "##al",
    ]
    tokenizer = Tokenizer(
        WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
    )
    torch.manual_seed(0)
    return LanguageModel.from_config(
        replace(TINY_LANGUAGE, vocab_size=len(pieces)), fast
    )


@pytest.fixture(scope="module")
def data():
    """A teal square, a circle of unknown colour, a blue triangle."""
    images = np.full((3, 3, 16, 16), 200, np.uint8)
    images[0, 0, 1:5, 11:15], images[1, 0, 8:12, 8:12], images[2, 1, 12:14, 2:4] = (
        0,
        0,
        30,
    )
    asked = [
        (0, "what color is the rectangle?", "teal"),
        (1, "is there a circle?", "yes"),
        (2, "what shape is blue?", "triangle"),
        (2, "is there a rectangle?", "no"),
    ]
    return EasyVQASplit(images, [sample(*each) for each in asked])


def test_a_note_is_the_sum_of_all_pieces_at_the_place_of_the_shape(language, data):
    targets = shape_targets(data, language, side=4)
    tokens, embed = (
        language.tokenizer.convert_tokens_to_ids,
        language.model.get_input_embeddings(),
    )
    found = embed_scenes(language, targets.words, 16, targets.position_words)
    expected = torch.zeros(3, 16, TINY_LANGUAGE.width)
    expected[0, 0 * 4 + 3] = embed(
        torch.tensor(tokens(["te", "##al", "rectangle"]))
    ).sum(0)
    expected[2, 3 * 4 + 0] = embed(torch.tensor(tokens(["blue", "triangle"]))).sum(0)
    assert torch.allclose(found, expected, atol=1e-6)
    assert torch.allclose(
        embed_scenes(language, targets.words, 1, targets.position_words),
        expected.sum(1, keepdim=True),
        atol=1e-6,
    )


def test_names_are_first_pieces_and_score_alike_whatever_their_length(language, data):
    targets = shape_targets(data, language, side=4)
    assert [len(group) for group in targets.contents] == [8, 3]
    assert (
        language.tokenizer.convert_ids_to_tokens(targets.contents[0].tolist())[
            list(COLOURS).index("teal")
        ]
        == "te"
    )
    words = language.embed(torch.cat(targets.contents)).detach().pow(2).sum(-1)
    assert targets.logit_scale * float(words.mean()) == pytest.approx(
        OWN_SCORE, rel=1e-5
    )
