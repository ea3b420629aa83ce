"""The uncompressed model equals transformers' LLaVA with the same tiny weights."""

import pytest
import torch
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
)

from tests.conftest import SAMPLES, TINY_LANGUAGE, TINY_VISION
from vlmcore.config import MLPConfig, VLMConfig
from vlmcore.data.samples import tokenize
from vlmcore.models.language import LanguageModel
from vlmcore.models.vision import VisionEncoder
from vlmcore.models.vlm import VLM

IMAGE = 15  # a word that no sample uses, as LLaVA's placeholder


@pytest.fixture
def llava():
    torch.manual_seed(0)
    vision = CLIPVisionConfig(
        image_size=24,
        patch_size=4,
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=32,
        projection_dim=16,
    )
    text = LlamaConfig(
        vocab_size=16,
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=40,
        initializer_range=0.2,
        eos_token_id=3,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=IMAGE,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
    )
    return LlavaForConditionalGeneration(config).eval()


def ours(llava, tokenizer, folder):
    """Encoder and language model go through files, the projector is copied."""
    llava.model.vision_tower.save_pretrained(folder / "vision")
    language = LanguageModel.from_config(TINY_LANGUAGE, tokenizer)
    language.model.base_model.load_state_dict(llava.model.language_model.state_dict())
    language.model.lm_head.weight = torch.nn.Parameter(llava.lm_head.weight.clone())
    language.model.config.tie_word_embeddings = False
    language.save_pretrained(folder / "language")
    vision = VisionEncoder.from_pretrained(folder / "vision", TINY_VISION.layers)
    vlm = VLM.from_parts(
        VLMConfig(visual_tokens=36, compressor=MLPConfig(), vision=TINY_VISION),
        vision,
        LanguageModel.from_pretrained(folder / "language"),
    )
    theirs = llava.model.multi_modal_projector
    vlm.compressor.projection[0].load_state_dict(theirs.linear_1.state_dict())
    vlm.compressor.projection[2].load_state_dict(theirs.linear_2.state_dict())
    return vlm.eval()


def test_without_compression_it_is_llava(llava, tokenizer, images, tmp_path):
    vlm = ours(llava, tokenizer, tmp_path)
    worst = 0.0
    for sample in SAMPLES:
        batch = tokenize([sample], tokenizer, "image_first").batch(torch.tensor([0]))
        text, seen = batch.text[0].tolist(), images[[sample.image]]
        tokens = torch.tensor([[text[0], *[IMAGE] * 36, *text[1:]]])
        with torch.no_grad():
            mine = vlm(batch, seen).logits
            theirs = llava(
                input_ids=tokens,
                pixel_values=vlm.vision.prepare(seen),
                attention_mask=torch.ones_like(tokens),
            ).logits[0]
        assert len(mine) > 1 and theirs.std() > 0.1
        worst = max(worst, (mine - theirs[-len(mine) - 1 : -1]).abs().max().item())
    assert worst < 1e-4
