"""An exported model is transformers' LLaVA, and comes back the same."""

import pytest
import torch
from transformers import LlavaForConditionalGeneration

from tests.models.pretrained import layouts
from tests.models.pretrained.test_layouts import QUESTION, image, ours
from vlmcore.config import M3Config
from vlmcore.models.pretrained.llava_hf import save_llava_hf
from vlmcore.models.vlm import VLM


@torch.no_grad()
def test_the_way_there_and_back(tmp_path):
    folder = layouts.write_llava(tmp_path / "released", layouts.llava())
    vlm = VLM.from_pretrained(folder)
    save_llava_hf(vlm, tmp_path / "exported")
    theirs = LlavaForConditionalGeneration.from_pretrained(tmp_path / "exported")
    pixels = vlm.vision.prepare(image())
    visual = theirs.model.get_image_features(pixels).pooler_output[0]
    torch.testing.assert_close(visual, ours(vlm), rtol=1e-5, atol=1e-5)
    again = VLM.from_pretrained(tmp_path / "exported")
    assert again.ask(image(), QUESTION) == vlm.ask(image(), QUESTION)
    template = again.language.tokenizer.chat_template
    assert template == vlm.language.tokenizer.chat_template
    assert theirs.config.image_token_id == len(vlm.language.tokenizer)


def test_other_compressors_are_refused(make_vlm, tmp_path):
    with pytest.raises(ValueError, match="neither the compressor m3 nor"):
        save_llava_hf(make_vlm(M3Config(), 4), tmp_path)
