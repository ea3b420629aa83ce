import pytest
import torch

from tests.conftest import SAMPLES
from vlmcore.config import M3Config
from vlmcore.data.samples import tokenize
from vlmcore.evaluation.short_answers import generate_answers
from vlmcore.features import FeatureStore


@pytest.mark.parametrize("visual_tokens", [None, 1, 9])
def test_one_model_can_be_asked_at_any_v(make_vlm, images, tmp_path, visual_tokens):
    """The untrained model's words, in the order of the samples, whatever the size of a batch."""
    vlm = make_vlm(M3Config(), 36)
    store = FeatureStore(vlm.vision, images.numpy(), tmp_path)
    seen, compress = [], vlm.compress
    vlm.compress = lambda features, batch, v: (seen.append(v), compress(features, batch, v))[1]
    said = generate_answers(vlm, SAMPLES, store, batch_size=3, visual_tokens=visual_tokens)
    assert seen == [visual_tokens] * 2
    tokens = tokenize(SAMPLES, vlm.language.tokenizer, "image_first", answers=False)
    alone = [vlm.generate(tokens.batch(row), store[tokens.image[row]], 4, visual_tokens)[0] for row in torch.arange(4).split(1)]
    assert said == alone
