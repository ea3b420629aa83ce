"""The model card says how large a model is and what it scores."""

import pytest
from huggingface_hub import ModelCard

from vlmcore.config import PAPER
from vlmcore.cost import parameters
from vlmcore.evaluation.scores import Score
from vlmcore.models.pretrained.hub import model_card


def test_a_card_has_sizes_use_and_results():
    scores = {"pope": Score(0.8125, 8910, 1.0, 0.5, 0.0041)}
    text = model_card(PAPER, "someone/one", scores, license="apache-2.0")
    card = ModelCard(text)
    assert card.data.library_name == "vlmcore" and card.data.license == "apache-2.0"
    (result,) = card.data.eval_results
    assert (result.dataset_name, result.metric_value) == ("pope", 0.8125)
    assert f"| language | {parameters(PAPER).language:,} |" in text
    assert "| pope | 0.8125 | 0.0041 | 0.5 | 1 | 8910 |" in text
    assert "with 1 visual token (compressed by `quecc`)" in text
    assert 'VLM.from_pretrained("someone/one")' in text
    with pytest.raises(ValueError, match=r"result of pope is 0\.8; give a Score"):
        model_card(PAPER, "someone/one", {"pope": 0.8})
