"""A tiny model in the format of the hub, and one of this package, in folders."""

import pytest
import torch
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)

from vlmcore.config import PoolConfig
from vlmcore.models.language import word_tokenizer

WORDS = "yes no red A B what is there a which shape color USER ASSISTANT : ? . <image>"


@pytest.fixture(scope="session")
def hub_llava(tmp_path_factory):
    """The folder of a LLaVA of random weights with its processor."""
    folder = tmp_path_factory.mktemp("hub") / "tiny-llava"
    torch.manual_seed(0)
    tokenizer = word_tokenizer(WORDS.split(), lower=False)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    vision = CLIPVisionConfig(
        image_size=24,
        patch_size=8,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        projection_dim=16,
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=40,
        initializer_range=0.5,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
    )
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    LlavaProcessor(
        CLIPImageProcessor(size={"shortest_edge": 24}, crop_size=24),
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    ).save_pretrained(folder)
    return folder


@pytest.fixture
def our_model(make_vlm, tmp_path):
    folder = tmp_path / "our-model"
    make_vlm(PoolConfig(), 1).save_pretrained(folder)
    return folder
