"""Token ids and labels of conversations, beside LLaVA's rules written down anew."""

import copy

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from vlmcore.data.chat import (
    IMAGE,
    NO_IMAGE,
    TEMPLATES,
    ChatTemplate,
    encode,
    encode_question,
    question_turn,
)
from vlmcore.data.samples import IGNORE, Sample, tokenize

SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
TURNS = [
    {"role": "user", "content": f"{IMAGE}\nWhat's  this?"},
    {"role": "assistant", "content": "A red circle."},
    {"role": "user", "content": "Why\nred?"},
    {"role": "assistant", "content": "No idea"},
]
WHOLE = {
    "vicuna_v1": f"{SYSTEM} USER: {IMAGE}\nWhat's  this? ASSISTANT: A red circle.</s>"
    "USER: Why\nred? ASSISTANT: No idea</s>",
    "llava_hf": f"USER: {IMAGE}\nWhat's  this? ASSISTANT: A red circle.</s>"
    "USER: Why\nred? ASSISTANT: No idea</s>",
    "chatml": "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    f"<|im_start|>user\n{IMAGE}\nWhat's  this?<|im_end|>\n"
    "<|im_start|>assistant\nA red circle.<|im_end|>\n"
    "<|im_start|>user\nWhy\nred?<|im_end|>\n<|im_start|>assistant\nNo idea<|im_end|>\n",
    "plain": f"{IMAGE}A red circle.\nNo idea\n",
}
SCORED = {
    "vicuna_v1": " A red circle.</s> No idea</s>",
    "llava_hf": " A red circle.</s> No idea</s>",
    "chatml": "A red circle.<|im_end|>\nNo idea<|im_end|>\n",
    "plain": "A red circle.\nNo idea\n",
}


@pytest.fixture(scope="module")
def bpe():
    """A byte-level tokenizer that joins letters over the borders of words."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<pad>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=special, initial_alphabet=alphabet
    )
    inner.train_from_iterator([*WHOLE.values()] * 9, trainer)
    inner.decoder = decoders.ByteLevel()
    inner.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    )


def llava_ids(text, tokenizer):
    """Piece by piece, with -200 for the image; later start tokens are dropped."""
    first, *others = (tokenizer(piece)["input_ids"] for piece in text.split(IMAGE))
    for piece in others:
        first += [-200, *piece[piece[0] == tokenizer.bos_token_id :]]
    return first


def with_hole(encoded):
    tokens, at = encoded.tokens, encoded.image_at
    return tokens if at == NO_IMAGE else [*tokens[:at], -200, *tokens[at:]]


@pytest.mark.parametrize("name", TEMPLATES)
def test_ids_are_llavas_and_answers_with_their_ends_are_scored(bpe, name):
    encoded = encode(TURNS, bpe, ChatTemplate(TEMPLATES[name]))
    assert with_hole(encoded) == llava_ids(WHOLE[name], bpe)
    scored = [x for x, on in zip(*encoded[:2], strict=True) if on]
    assert bpe.decode(scored) == SCORED[name]


def test_an_image_may_stand_anywhere_or_nowhere(bpe):
    template = ChatTemplate(TEMPLATES["vicuna_v1"])
    for first in (f"Look {IMAGE} here", f"here?\n{IMAGE}", "nothing"):
        turns = [{"role": "user", "content": first}]
        encoded = encode(turns, bpe, template)
        text = f"{SYSTEM} USER: {first} ASSISTANT:"
        assert with_hole(encoded) == llava_ids(text, bpe)
        assert not any(encoded.scored)
    assert encoded.image_at == NO_IMAGE
    with pytest.raises(ValueError, match="about 2 images; give one"):
        encode([question_turn(IMAGE, "image_first")], bpe, template)


def test_a_tokenizer_that_knows_the_image_reads_the_text_at_once(bpe):
    words = copy.deepcopy(bpe)
    words.add_special_tokens({"additional_special_tokens": [IMAGE]})
    ids = words(WHOLE["llava_hf"])["input_ids"]
    hole = words.convert_tokens_to_ids(IMAGE)
    encoded = encode(TURNS, words, ChatTemplate(TEMPLATES["llava_hf"]))
    assert with_hole(encoded) == [-200 if x == hole else x for x in ids]


@pytest.mark.parametrize("order", ["image_first", "question_first"])
def test_samples_are_conversations_of_one_question(bpe, order):
    sample = Sample(3, "What's  this?", "red", "", 2)
    template = ChatTemplate(TEMPLATES["chatml"])
    tokens = tokenize([sample, sample], bpe, order, template=template)
    turns = [
        question_turn(sample.question, order),
        {"role": "assistant", "content": "red"},
    ]
    encoded = encode(turns, bpe, template)
    assert tokens.text[1].tolist() == encoded.tokens
    assert tokens.image_at.tolist() == [encoded.image_at] * 2
    assert tokens.image.tolist() == [3, 3]
    kept = tokens.labels[0] != IGNORE
    assert kept.tolist() == encoded.scored
    assert torch.equal(tokens.labels[0][kept], tokens.text[0][kept])
    asked = tokenize([sample], bpe, order, template=template, answers=False)
    assert (asked.labels == IGNORE).all()
    assert bpe.decode(asked.text[0]).endswith("<|im_start|>assistant\n")


def test_quecc_reads_the_question_as_released(bpe):
    for text, read in (("  why? \n", "why?"), ("an ASSISTANT: x", "an")):
        assert encode_question(text, bpe) == bpe(read)["input_ids"]
