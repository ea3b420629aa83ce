import pytest
import torch

from tests.conftest import SAMPLES
from vlmcore.config import M3Config, QueCCConfig
from vlmcore.data.samples import tokenize
from vlmcore.evaluation.short_answers import first_tokens, generate_answers
from vlmcore.models.feature_cache import FeatureStore


@pytest.mark.parametrize("visual_tokens", [None, 1, 9])
def test_one_model_can_be_asked_at_any_v(make_vlm, images, tmp_path, visual_tokens):
    """The untrained model's words, in the order of the samples, whatever the size of a batch."""
    vlm = make_vlm(M3Config(), 36)
    store = FeatureStore(vlm.vision, images.numpy(), tmp_path)
    seen, compress = [], vlm.compress
    vlm.compress = lambda features, batch, v: (
        seen.append(v),
        compress(features, batch, v),
    )[1]
    said = generate_answers(
        vlm, SAMPLES, store, batch_size=3, visual_tokens=visual_tokens
    )
    assert seen == [visual_tokens] * 2
    tokens = tokenize(SAMPLES, vlm.language.tokenizer, "image_first", answers=False)
    alone = [
        vlm.generate(tokens.batch(row), store[tokens.image[row]], 4, visual_tokens)[0]
        for row in torch.arange(4).split(1)
    ]
    assert said == alone


@pytest.mark.parametrize(
    "model", [(QueCCConfig(heads=2), 4), (None, 0)], ids=["sees", "blind"]
)
def test_first_words_are_those_of_generation(make_vlm, images, tmp_path, order, model):
    """Untrained models that say different things, in batches that do not come out even."""
    said = set()
    for seed in range(6):
        vlm = make_vlm(*model, order, seed)
        store = (
            FeatureStore(vlm.vision, images.numpy(), tmp_path / str(seed))
            if model[1]
            else None
        )
        words = first_tokens(vlm, SAMPLES, store, batch_size=3)
        assert words == generate_answers(vlm, SAMPLES, store, max_new_tokens=1)
        said |= set(words)
    assert len(said) > 3
