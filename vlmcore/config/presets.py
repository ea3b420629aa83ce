"""Published models: the encoder and language models of the paper and some others."""

from vlmcore.config.as_dict import replace
from vlmcore.config.compressors import QueCCConfig
from vlmcore.config.language import LanguageConfig
from vlmcore.config.vision import VisionConfig
from vlmcore.config.vlm import VLMConfig

CLIP_L_336 = VisionConfig(
    image_size=336,
    patch_size=14,
    width=1024,
    depth=24,
    heads=16,
    mlp_width=4096,
    layers=(12, 16, 22, 23),
)
"""OpenAI's CLIP ViT-L/14 at 336 pixels, the encoder of the paper: 24 x 24 patches."""

VICUNA_7B = LanguageConfig(
    vocab_size=32000, width=4096, depth=32, heads=32, mlp_width=11008, tied=False
)
"""Vicuna-1.5-7B, the language model of the paper's Table 1."""

VICUNA_13B = replace(VICUNA_7B, width=5120, depth=40, heads=40, mlp_width=13824)
"""Vicuna-1.5-13B."""

QWEN25 = {
    "0.5B": LanguageConfig(
        vocab_size=151936,
        width=896,
        depth=24,
        heads=14,
        kv_heads=2,
        mlp_width=4864,
        qkv_bias=True,
    ),
    "1.5B": LanguageConfig(
        vocab_size=151936,
        width=1536,
        depth=28,
        heads=12,
        kv_heads=2,
        mlp_width=8960,
        qkv_bias=True,
    ),
    "7B": LanguageConfig(
        vocab_size=152064,
        width=3584,
        depth=28,
        heads=28,
        kv_heads=4,
        mlp_width=18944,
        tied=False,
        qkv_bias=True,
    ),
}
"""Qwen2.5 (arXiv 2412.15115), by its names."""

SMOLLM2_135M = LanguageConfig(
    vocab_size=49152, width=576, depth=30, heads=9, kv_heads=3, mlp_width=1536
)
"""SmolLM2-135M (arXiv 2502.02737), the pretrained language model that a CPU can train
with."""

LANGUAGE_SIZES = {
    "SmolLM2-135M": SMOLLM2_135M,
    **{f"Qwen2.5-{name}": sizes for name, sizes in QWEN25.items()},
    "Vicuna-7B": VICUNA_7B,
    "Vicuna-13B": VICUNA_13B,
}
"""Language models by name."""

PAPER = VLMConfig(
    language=VICUNA_7B,
    vision=CLIP_L_336,
    compressor=QueCCConfig(heads=8),
    visual_tokens=1,
)
"""QueCC at one token on Vicuna-1.5-7B, as in Table 1."""
