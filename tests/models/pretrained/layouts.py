"""Tiny checkpoints in the layouts of the releases, with random weights."""

import json

import torch
from safetensors.torch import save_file
from tokenizers.processors import TemplateProcessing
from torch import nn
from transformers import (
    CLIPVisionConfig,
    CLIPVisionModel,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from vlmcore.data.chat import TEMPLATES
from vlmcore.models.language import word_tokenizer

WORDS = TEMPLATES["vicuna_v1"] + TEMPLATES["chatml"] + " is there a red circle ?"
WIDTH = 24
"""Of the language model."""


def vision(width=16, depth=3):
    torch.manual_seed(1)
    return CLIPVisionModel(
        CLIPVisionConfig(
            image_size=24,
            patch_size=4,
            hidden_size=width,
            num_hidden_layers=depth,
            num_attention_heads=2,
            intermediate_size=32,
        )
    ).eval()


def tokenizer(image_token=False):
    words = word_tokenizer([WORDS], lower=False)
    words.backend_tokenizer.post_processor = TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 2)]
    )
    if image_token:
        words.add_special_tokens({"additional_special_tokens": ["<image>"]})
    return words


def llava(width=16, depth=3):
    """The reference: LLaVA of transformers."""
    torch.manual_seed(0)
    text = LlamaConfig(
        vocab_size=len(tokenizer(True)),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=40,
        initializer_range=0.3,
        bos_token_id=2,
        eos_token_id=3,
        tie_word_embeddings=False,
    )
    model = LlavaForConditionalGeneration(
        LlavaConfig(
            vision_config=vision(width, depth).config,
            text_config=text,
            image_token_index=text.vocab_size - 1,
            vision_feature_layer=-2,
        )
    ).eval()
    model.model.vision_tower.load_state_dict(vision(width, depth).state_dict())
    return model


def language_tensors(model):
    inner = model.model.language_model.state_dict()
    tensors = {f"model.{name}": x for name, x in inner.items()}
    return tensors | {"lm_head.weight": model.lm_head.weight.data}


def projector(model):
    theirs = model.model.multi_modal_projector
    names = {"0": theirs.linear_1, "2": theirs.linear_2}
    return {f"{n}.{k}": x for n, m in names.items() for k, x in m.state_dict().items()}


def state(module):
    torch.manual_seed(2)
    for x in module.parameters():
        nn.init.normal_(x, std=0.2)
    return module.state_dict()


def _mlp(inputs, d):
    return nn.Sequential(nn.Linear(inputs, d), nn.GELU(), nn.Linear(d, d))


def _normed(inputs, d):
    return nn.Sequential(*_mlp(inputs, d), nn.LayerNorm(d))


def tokenpacker(d):
    parts = nn.ModuleDict(
        {
            "q_proj_1": nn.Linear(d, d, bias=False),
            "k_proj_1": _mlp(4 * d, d),
            "v_proj_1": _mlp(4 * d, d),
            "ln_q_1": nn.LayerNorm(d),
            "ln_k_1": nn.LayerNorm(d),
            "ln_v_1": nn.LayerNorm(d),
            "clip_attn": nn.MultiheadAttention(d, 1),
            "mlp": _mlp(d, WIDTH)[:1].append(nn.GELU()).append(nn.Linear(WIDTH, WIDTH)),
        }
    )
    return {f"mm_projector.{k}": x for k, x in state(parts).items()}


def quecc(d, kernel=2):
    inner = nn.ModuleDict(
        {
            "clip_attn": nn.MultiheadAttention(d, 1),
            "q_proj": _normed(d, d),
            "k_proj": _normed(4 * d, d),
            "v_proj": _normed(4 * d, d),
            "q_downsample": nn.Conv2d(d, d, kernel, kernel, groups=d),
            "text_projection": nn.Sequential(nn.Linear(WIDTH, d), nn.LayerNorm(d)),
        }
    )
    rest = nn.Linear(d, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH)
    whole = nn.Sequential(inner, *rest)
    return {f"mm_projector.{k}": x for k, x in state(whole).items()}


def mqt(d, queries=16):
    parts = nn.ModuleDict({"attn": nn.MultiheadAttention(d, 16)})
    parts.update({f"ln_{name}": nn.LayerNorm(d) for name in "qkv"})
    for name, shape in (
        ("query", (queries, d)),
        ("pos_embed", (queries, d)),
        ("proj", (d, WIDTH)),
    ):
        parts.register_parameter(name, nn.Parameter(torch.empty(shape)))
    return {f"query_abstractor.{k}": x for k, x in state(parts).items()}


def write_llava(folder, model, part=None, *, kind="safetensors", prefix="", **fields):
    """A folder in LLaVA's layout; its encoder lies in a folder inside.

    Args:
        folder: is made.
        model: of transformers.
        part: tensors of the compressor; by default the model's projector.
        kind: of the files, `safetensors` or `bin`; `bin` has two shards.
        prefix: of all names.
        **fields: of the config.
    """
    folder.mkdir(parents=True)
    part = part or {f"mm_projector.{k}": x for k, x in projector(model).items()}
    tensors = language_tensors(model) | {f"model.{k}": x for k, x in part.items()}
    tensors = {prefix + k: x.detach().clone() for k, x in tensors.items()}
    if kind == "bin":
        names = sorted(tensors)
        shards = {"1-of-2": names[::2], "2-of-2": names[1::2]}
        for number, some in shards.items():
            torch.save(
                {k: tensors[k] for k in some}, folder / f"pytorch_model-{number}.bin"
            )
        index = {
            k: f"pytorch_model-{n}.bin" for n, some in shards.items() for k in some
        }
        text = json.dumps({"metadata": {}, "weight_map": index})
        (folder / "pytorch_model.bin.index.json").write_text(text)
    else:
        save_file(tensors, folder / "model.safetensors")
    config = model.config.text_config.to_dict() | {
        "model_type": "llava_llama",
        "architectures": ["LlavaLlamaForCausalLM"],
        "mm_vision_tower": "tower",
        "mm_projector_type": "mlp2x_gelu",
        "mm_vision_select_layer": -2,
        "mm_vision_select_feature": "patch",
        "mm_hidden_size": model.config.vision_config.hidden_size,
        "image_aspect_ratio": "pad",
        "use_mm_proj": True,
    }
    (folder / "config.json").write_text(json.dumps(config | fields))
    tokenizer().save_pretrained(folder)
    model.model.vision_tower.save_pretrained(folder / "tower")
    return folder


def write_hub(folder, model):
    """A folder as transformers writes it, with a processor's two files."""
    model.save_pretrained(folder)
    tokenizer(True).save_pretrained(folder)
    scale = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4]}
    (folder / "preprocessor_config.json").write_text(json.dumps(scale))
    return folder


def write_qwen(folder):
    """A language model alone, with weights in `pytorch_model.bin` only."""
    torch.manual_seed(5)
    words = tokenizer()
    sizes = Qwen2Config(
        vocab_size=len(words),
        hidden_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=40,
    )
    model = Qwen2ForCausalLM(sizes)
    folder.mkdir(parents=True)
    model.config.save_pretrained(folder)
    words.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return folder
