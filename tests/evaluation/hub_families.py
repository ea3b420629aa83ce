"""Tiny models of the hub's families with their own processors, in folders."""

import torch
import transformers
from transformers.models.idefics3.image_processing_pil_idefics3 import (
    Idefics3ImageProcessorPil,
)

from vlmcore.models.language import word_tokenizer

WORDS = "yes no red A B what is there a which shape color user assistant User : ? ."
IMAGES = "{% if c.type == 'image' %}IMAGE{% else %}{{ c.text }}{% endif %}"
TEMPLATE = (
    "{% for m in messages %}User: {% for c in m.content %}"
    + IMAGES
    + "{% endfor %} . {% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
)


def tokenizer(*special):
    made = word_tokenizer(WORDS.split(), lower=False)
    made.add_special_tokens({"additional_special_tokens": list(special)})
    return made


def text_config(words, **more):
    names = ("bos_token_id", "eos_token_id", "pad_token_id")
    return {
        "vocab_size": len(words),
        "hidden_size": 24,
        "intermediate_size": 40,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "initializer_range": 0.5,
        **{name: getattr(words, name) for name in names},
        **more,
    }


def qwen(folder, version):
    """Qwen2-VL or Qwen2.5-VL."""
    marks = ("<|vision_start|>", "<|image_pad|>", "<|vision_end|>", "<|video_pad|>")
    words = tokenizer(*marks)
    start, image, end, video = words.convert_tokens_to_ids(list(marks))
    rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 2, 2]}
    sizes = {"depth": 2, "num_heads": 2, "patch_size": 8, "spatial_merge_size": 2}
    own = {
        "2": {"embed_dim": 16, "hidden_size": 24, "mlp_ratio": 2},
        "2_5": {
            "hidden_size": 16,
            "out_hidden_size": 24,
            "intermediate_size": 32,
            "window_size": 32,
            "fullatt_block_indexes": [1],
        },
    }[version]
    kind = {"2": "Qwen2VL", "2_5": "Qwen2_5_VL"}[version]
    config = getattr(transformers, f"{kind}Config")(
        text_config=text_config(words, rope_parameters=rope),
        vision_config=sizes | own,
        image_token_id=image,
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
    )
    pixels = {"patch_size": 8, "min_pixels": 256, "max_pixels": 1024}
    processor = getattr(transformers, f"{kind}Processor")(
        transformers.Qwen2VLImageProcessor(**pixels),
        words,
        transformers.Qwen2VLVideoProcessor(patch_size=8),
        chat_template=TEMPLATE.replace("IMAGE", "".join(marks[:3])),
    )
    save(folder, f"{kind}ForConditionalGeneration", config, processor)


def smol(folder, kind):
    """SmolVLM, or Idefics3, on which it is built."""
    cells = [f"<row_{i}_col_{j}>" for i in range(1, 5) for j in range(1, 5)]
    marks = ("<image>", "<fake_token_around_image>", "<global-img>")
    words = tokenizer(*marks, "<end_of_utterance>", *cells)
    config = getattr(transformers, f"{kind}Config")(
        text_config=text_config(words, model_type="llama"),
        vision_config={
            "image_size": 16,
            "patch_size": 4,
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 32,
        },
        scale_factor=2,
        image_token_id=words.convert_tokens_to_ids("<image>"),
        pad_token_id=words.pad_token_id,
    )
    sizes = {
        "size": {"longest_edge": 32},
        "max_image_size": {"longest_edge": 16},
    }
    parts = [Idefics3ImageProcessorPil(**sizes), words]
    if kind == "SmolVLM":
        images = transformers.SmolVLMImageProcessor(**sizes)
        parts = [images, words, transformers.SmolVLMVideoProcessor()]
    template = TEMPLATE.replace("IMAGE", "<image>")
    processor = getattr(transformers, f"{kind}Processor")(
        *parts, image_seq_len=4, chat_template=template
    )
    save(folder, f"{kind}ForConditionalGeneration", config, processor)


def save(folder, model, config, processor):
    torch.manual_seed(0)
    getattr(transformers, model)(config).save_pretrained(folder)
    processor.save_pretrained(folder)


FAMILIES = {
    "qwen2_vl": (lambda folder: qwen(folder, "2"), ["torchvision"]),
    "qwen2_5_vl": (lambda folder: qwen(folder, "2_5"), ["torchvision"]),
    "idefics3": (lambda folder: smol(folder, "Idefics3"), []),
    "smolvlm": (lambda folder: smol(folder, "SmolVLM"), ["torchvision", "num2words"]),
}
"""What makes a folder of each family, and the packages that its processor needs."""
