"""Awkward inputs at the front door: each gets a right answer or a sentence.

A sentence is a ValueError or a FileNotFoundError, with the numbers and the way out.
Kinds of images are in `tests/models/test_images.py`.
"""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from tests.conftest import MODELS, SAMPLES
from vlmcore import VisionEncoder, VLMConfig
from vlmcore.config import (
    LoRAConfig,
    VisionConfig,
    to_dict,
)
from vlmcore.cost import paper_flops
from vlmcore.data import easyvqa
from vlmcore.data.samples import as_texts, tokenize
from vlmcore.evaluation import metrics
from vlmcore.evaluation.short_answers import generate_answers
from vlmcore.experiments.tasks import load_task
from vlmcore.models.feature_cache import FeatureStore, LiveFeatures
from vlmcore.models.language import word_tokenizer
from vlmcore.models.vision import VisionFeatures
from vlmcore.training import StageConfig, TrainingData

PHOTO = Image.new("RGB", (40, 30), (200, 30, 30))


def same(w, *arguments, **options):
    """Whether a question gets the answer of the plain way of asking it."""
    pixels = torch.from_numpy(np.array(PHOTO)).permute(2, 0, 1)[None]
    return w.vlm.ask(*arguments, **options) == w.vlm.ask(pixels, ["what?"])


RIGHT = {
    "one photo, one text": lambda w: same(w, PHOTO, "what?"),
    "a list of one": lambda w: same(w, [PHOTO], ("what?",)),
    "an array of texts": lambda w: same(w, [PHOTO], np.array(["what?"])),
    "numpy's numbers": lambda w: same(w, PHOTO, "what?", np.int64(8)),
    "a tensor's number": lambda w: same(w, PHOTO, "what?", torch.tensor(8)),
    "a blind model needs no image": lambda w: (
        len(w.make(None, 0).ask(None, ["what?"])) == 1
    ),
    "features instead of images": lambda w: same(w, w.vlm.vision(PHOTO), "what?"),
    "numpy's numbers in a config": lambda w: (
        json.loads(json.dumps(to_dict(VLMConfig(visual_tokens=np.int64(4)))))[
            "visual_tokens"
        ]
        == 4
    ),
    "a list of layers": lambda w: (
        VisionConfig(layers=[1, np.int32(2)]).layers == (1, 2)
    ),
    "one LoRA target": lambda w: LoRAConfig(targets="q_proj").targets == ("q_proj",),
    "numpy's numbers in a stage": lambda w: (
        StageConfig(np.int64(2), np.float32(0.5)) == StageConfig(2, 0.5)
    ),
    "one reference as text": lambda w: metrics.anls("red", "red") == 1,
    "one prediction as text": lambda w: update(metrics.ExactMatch, "red", "red") == 1,
    "a tuple of predictions": lambda w: update(metrics.GQA, ("a",), ("a",)) == 1,
    "one text of a vocabulary": lambda w: (
        word_tokenizer("red blue").tokenize("red") == ["red"]
    ),
    "a column of texts": lambda w: (
        as_texts("texts", np.array(["a", "b"])) == ["a", "b"]
    ),
    "pixels instead of a store": lambda w: (
        generate_answers(w.vlm, SAMPLES, w.images.numpy())
        == generate_answers(w.vlm, SAMPLES, LiveFeatures(w.vlm.vision, w.images))
    ),
    "LLaVA's padding": lambda w: (
        VisionEncoder.from_pretrained().padding == (127, 127, 127)  # int(255 * 0.5)
    ),
    "rows as a list": lambda w: torch.equal(
        w.tokens.batch([1, 2]).text, w.tokens.batch(torch.tensor([1, 2])).text
    ),
}


def update(metric, *columns):
    made = metric()
    made.update(*columns)
    return made.compute()["all"]


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_meant_is_understood(world, name):
    assert RIGHT[name](world)


WHOLE = "must be a whole number of at least"
SENTENCES = {
    # asking
    "no question": (lambda w: w.vlm.ask(PHOTO, []), "give at least one question"),
    "an empty question": (lambda w: w.vlm.ask(PHOTO, ""), "is empty"),
    "a number as question": (
        lambda w: w.vlm.ask(PHOTO, [5]),
        r"questions\[0\] is 5, a int; give a text",
    ),
    "None as question": (lambda w: w.vlm.ask(PHOTO, None), "questions is None"),
    "no image": (lambda w: w.vlm.ask(None, "what?"), "this model needs images"),
    "two questions, one image": (
        lambda w: w.vlm.ask(PHOTO, ["what?", "what?"]),
        "2 questions cannot be asked about 1 images; give lists",
    ),
    "no new token": (lambda w: w.vlm.ask(PHOTO, "what?", 0), f"is 0; it {WHOLE} 1"),
    "half a token": (lambda w: w.vlm.ask(PHOTO, "what?", 2.5), f"2.5; it {WHOLE}"),
    "True tokens": (lambda w: w.vlm.ask(PHOTO, "what?", True), f"True; it {WHOLE}"),
    "tokens in words": (lambda w: w.vlm.ask(PHOTO, "what?", "8"), f"'8'; it {WHOLE}"),
    "text beyond the context": (
        lambda w: w.vlm.ask(PHOTO, "what " * 2100),
        r"210\d tokens of text and image exceed the context of 2048; shorten",
    ),
    "an answer beyond the context": (
        lambda w: w.vlm.ask(PHOTO, "what?", 3000),
        "and 3000 of the answer exceed the context of 2048; shorten",
    ),
    "no parameters": (lambda w: paper_flops(None, 50, 1), "params is None; give a num"),
    "tokens as text": (
        lambda w: paper_flops(7e9, "50", 1),
        "text_tokens is '50'; give",
    ),
    "a task without an image": (
        lambda w: load_task("letters", images=0),
        f"images is 0; it {WHOLE} 1",
    ),
    "half an image": (
        lambda w: easyvqa.load("test", 0.5),
        f"images is 0.5; it {WHOLE} 1",
    ),
    "no such split": (
        lambda w: easyvqa.load("val"),
        "'val' is not known; choose",
    ),
    "one pixel": (
        lambda w: TrainingData(w.tokens, np.array(0.5)).check(labelled=True),
        r"pixels have the shape \(\); give uint8 \(n, 3, h, h\)",
    ),
    # forward
    "an unlabelled batch": (
        lambda w: w.vlm(w.asked.batch([0, 1, 2]), w.images),
        "no token of the batch has a label.*answers=True",
    ),
    "a dict as batch": (lambda w: w.vlm({"text": 1}, w.images), "batch is .* a dict"),
    "four texts, three images": (
        lambda w: w.vlm(w.batch, w.images),
        "4 questions cannot be asked about 3 images",
    ),
    "features of another encoder": (
        lambda w: w.vlm(w.batch, VisionFeatures(torch.zeros(4, 49, 2, 16))),
        r"\(4, 49, 2, 16\) do not fit.*\(36, 2, 16\)",
    ),
    "tokens of another vocabulary": (
        lambda w: w.vlm(w.batch._replace(text=w.batch.text + 90), w.images[[0] * 4]),
        "are not in a vocabulary of 15; tokenise with the model's own",
    ),
    "V as a text": (
        lambda w: w.vlm(w.batch, w.images[[0] * 4], "4"),
        f"'4'; it {WHOLE}",
    ),
    "rows out of range": (
        lambda w: w.tokens.batch([1, 99]),
        r"\[1, 99\] are not among 4 samples; give whole numbers from 0 to 3",
    ),
    "an unknown order": (
        lambda w: tokenize(SAMPLES, w.tokenizer, "sideways"),
        "order 'sideways' is not known; choose from image_first, question_first",
    ),
    "texts instead of samples": (
        lambda w: tokenize(["what?"], w.tokenizer, "image_first"),
        "a sample is 'what\\?', a str; give a Sample",
    ),
    "no tokenizer": (
        lambda w: tokenize(SAMPLES, None, "image_first"),
        "tokenizer is None.*give a tokenizer of transformers",
    ),
    "a store of paths": (
        lambda w: FeatureStore(w.vlm.vision, ["a.jpg"], w.folder),
        "images is .*a list; give an array",
    ),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_what_cannot_be_meant_gets_a_sentence(world, name):
    call, message = SENTENCES[name]
    with pytest.raises((ValueError, FileNotFoundError), match=f"(?s){message}"):
        call(world)


@pytest.mark.parametrize("method, v", [model for model in MODELS if model[0]], ids=str)
@pytest.mark.parametrize(
    "features, message",
    [
        ("photo.jpg", "features is 'photo.jpg', a str; give the features"),
        (torch.zeros(1, 36, 16), "a Tensor; give the features"),
        (VisionFeatures(torch.zeros(1, 35, 2, 16)), r"\(1, 35, 2, 16\) do not fit"),
        (VisionFeatures(torch.zeros(1, 36, 2, 8)), r"\(1, 36, 2, 8\) do not fit"),
    ],
    ids=["name", "tensor", "patches", "width"],
)
def test_every_compressor_refuses_what_it_cannot_read(
    world, method, v, features, message
):
    with pytest.raises(ValueError, match=message):
        world.make(method, v).compressor(features)


def test_greedy_answers_have_no_settings_of_the_checkpoint(world):
    """A repetition penalty, or a ban, would change them."""
    expected = world.vlm.ask(PHOTO, "what?", 12)
    settings = world.vlm.language.model.generation_config
    settings.repetition_penalty, settings.no_repeat_ngram_size = 9.0, 1
    settings.suppress_tokens, settings.do_sample = list(range(8)), True
    settings.temperature, settings.min_new_tokens = 5.0, 12
    assert world.vlm.ask(PHOTO, "what?", 12) == expected
    assert world.vlm.language.model.generation_config is settings
