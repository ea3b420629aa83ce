import math

import pytest
import torch

from tests.conftest import SAMPLES
from vlmcore.config import M3Config, QueCCConfig
from vlmcore.data.samples import Sample, tokenize
from vlmcore.evaluation.short_answers import (
    answered_right,
    first_tokens,
    generate_answers,
    permute_images,
    question_only,
    score_answers,
)
from vlmcore.models.feature_cache import FeatureStore


@pytest.mark.parametrize("visual_tokens", [None, 1, 9])
def test_one_model_can_be_asked_at_any_v(make_vlm, images, tmp_path, visual_tokens):
    """Answers are in the order of the samples, whatever the size of a batch."""
    vlm = make_vlm(M3Config(), 36)
    store = FeatureStore(vlm.vision, images.numpy(), tmp_path)
    seen, compress = [], vlm.compress
    vlm.compress = lambda features, batch, v: (
        seen.append(v),
        compress(features, batch, v),
    )[1]
    answers = generate_answers(
        vlm, SAMPLES, store, batch_size=3, visual_tokens=visual_tokens
    )
    assert seen == [visual_tokens] * 2
    tokens = tokenize(SAMPLES, vlm.language.tokenizer, "image_first", answers=False)
    alone = [
        vlm.generate(tokens.batch(row), store[tokens.image[row]], 4, visual_tokens)[0]
        for row in torch.arange(4).split(1)
    ]
    assert answers == alone


@pytest.mark.parametrize(
    "model", [(QueCCConfig(heads=2), 4), (None, 0)], ids=["sees", "blind"]
)
def test_first_tokens_are_those_of_generation(make_vlm, images, tmp_path, order, model):
    """Untrained models answer differently, and the last batch is smaller."""
    different = set()
    for seed in range(6):
        vlm = make_vlm(*model, order, seed)
        folder = tmp_path / str(seed)
        store = FeatureStore(vlm.vision, images.numpy(), folder) if model[1] else None
        tokens = first_tokens(vlm, SAMPLES, store, batch_size=3)
        assert tokens == generate_answers(vlm, SAMPLES, store, max_new_tokens=1)
        different |= set(tokens)
    assert len(different) > 3


def test_a_score_has_count_share_parseable_chance_and_error():
    samples = [
        Sample(0, "is it?", "yes", "yes/no", 2),
        Sample(1, "which?", "red", "colour", 8),
        Sample(2, "which?", "blue", "colour", 8),
    ]
    preds = ["Yes.", "red", "banana"]
    scores = score_answers(preds, samples)
    whole, colour = scores["all"], scores["colour"]
    assert (whole.value, whole.count) == (2 / 3, 3)
    assert whole.parseable == 2 / 3, "banana is no answer of this benchmark"
    assert whole.chance == pytest.approx((1 / 2 + 1 / 8 + 1 / 8) / 3)
    assert whole.standard_error == pytest.approx(math.sqrt(2 / 3 * 1 / 3 / 3))
    assert (colour.value, colour.count, colour.chance) == (0.5, 2, 1 / 8)
    assert answered_right(preds, samples) == [True, True, False]


def test_images_are_permuted_across_questions():
    samples = [Sample(i // 3, f"q{i}", "yes", "yes/no", 2) for i in range(60)]
    permuted = permute_images(samples)
    pairs = [(a.image, b.image) for a, b in zip(samples, permuted, strict=True)]
    assert sorted(s.image for s in permuted) == sorted(s.image for s in samples)
    assert [s.question for s in permuted] == [s.question for s in samples]
    assert sum(a == b for a, b in pairs) < 15
    assert len(set(pairs)) == 20, "questions about an image stay together"


def test_question_only_takes_the_most_frequent_answer():
    def asked(question, answer=""):
        return Sample(0, question, answer, "k", 2)

    train = [asked("a?", "yes")] * 3 + [asked("a?", "no")] * 2 + [asked("b?", "no")] * 2
    test = [asked("a?"), asked("b?"), asked("new?")]
    assert question_only(train, test) == ["yes", "no", "no"]
