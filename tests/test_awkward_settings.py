"""Awkward configs, folders, data and answers: each gets a sentence.

As in `tests/test_awkward_inputs.py`, it has the numbers and the way out.
"""

import pytest
import torch
from PIL import Image
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    OPTConfig,
    OPTForCausalLM,
)

from vlmcore import (
    VLM,
    LanguageModel,
    VisionEncoder,
    VLMConfig,
    VLMModule,
    VQADataModule,
    evaluate,
    fit,
)
from vlmcore.config import (
    M3Config,
    MQTConfig,
    QueCCConfig,
    from_dict,
    replace,
)
from vlmcore.cost import exact_flops, parameters
from vlmcore.evaluation import metrics
from vlmcore.models.adapters import load_adapter
from vlmcore.training import StageConfig, TrainingConfig, TrainingData

STAGE = StageConfig(2, 1e-2, 3)
SHORT = TrainingConfig(STAGE, STAGE)
QUIET = {"progress": False, "accelerator": "cpu"}
PHOTO = Image.new("RGB", (40, 30), (200, 30, 30))
SIZES = {"vocab_size": 16, "num_hidden_layers": 1, "hidden_size": 8}


def update(metric, *columns):
    made = metric()
    made.update(*columns)
    return made.compute()["all"]


def foreign(w, model, config):
    model(config).save_pretrained(w.folder)
    w.tokenizer.save_pretrained(w.folder)
    return LanguageModel.from_pretrained(w.folder)


def written(w, name, text):
    (w.folder / name).write_text(text)
    return w.folder


def half(w):
    vlm = w.make()
    vlm.language.bfloat16()
    return vlm


def train(w, config=SHORT, tokens=None, vlm=None, images=None, folder="run"):
    data = TrainingData(
        w.tokens if tokens is None else tokens, w.images if images is None else images
    )
    return fit(vlm or w.make(), data, config, w.folder / folder, **QUIET)


FAMILIES = r"cannot be the language model; choose one of the families llama, mistral"
WHOLE = "must be a whole number of at least"
SENTENCES = {
    # configs
    "a dict as config": (
        lambda w: VLM.from_config({"visual_tokens": 1}, w.tokenizer),
        "config is .* a dict; give a VLMConfig",
    ),
    "a name as encoder": (
        lambda w: VLM.from_parts(VLMConfig(), "clip", w.vlm.language),
        "vision is 'clip', a str; give a VisionEncoder",
    ),
    "a list as config": (
        lambda w: from_dict(VLMConfig, [1]),
        "a list; give the fields",
    ),
    "fields of no config": (lambda w: replace(None, width=3), "is no config"),
    "a switch in words": (
        lambda w: QueCCConfig(inject_question="yes"),
        "inject_question is 'yes', a str; give True or False",
    ),
    "a scale of 0": (lambda w: M3Config((0, 4)), r"scales is \(0, 4\); give numbers"),
    "queries in words": (lambda w: MQTConfig("9"), f"queries is '9'; it {WHOLE} 1"),
    "a cost of nothing": (lambda w: parameters(None), "config is None"),
    "operations of a name": (lambda w: exact_flops("7B", 9), "config is '7B', a str"),
    # loading
    "GPT-2": (
        lambda w: foreign(
            w, GPT2LMHeadModel, GPT2Config(n_layer=1, n_embd=8, n_head=1)
        ),
        f"'gpt2' model {FAMILIES}",
    ),
    "OPT": (
        lambda w: foreign(
            w, OPTForCausalLM, OPTConfig(**SIZES, num_attention_heads=1, ffn_dim=8)
        ),
        f"'opt' model {FAMILIES}",
    ),
    "NeoX": (
        lambda w: foreign(
            w,
            GPTNeoXForCausalLM,
            GPTNeoXConfig(**SIZES, num_attention_heads=1, intermediate_size=8),
        ),
        f"'gpt_neox' model {FAMILIES}",
    ),
    "a language model as encoder": (
        lambda w: VisionEncoder(w.vlm.language.model, (1,)),
        "a 'llama' model is not supported; choose one of the families clip",
    ),
    "None as folder": (lambda w: VLM.from_pretrained(None), "name is None.*a path"),
    "no folder": (
        lambda w: VLM.from_pretrained("nowhere"),
        "nowhere holds no config.json",
    ),
    "a file as folder": (
        lambda w: VLM.from_pretrained(written(w, "a.json", "{}") / "a.json"),
        "holds no config.json",
    ),
    "a foreign model": (
        lambda w: VLM.from_pretrained(
            written(w, "config.json", '{"model_type": "llama"}')
        ),
        "holds a 'llama' model of transformers, not a VLM; load it with LanguageModel",
    ),
    "a config that is a list": (
        lambda w: VLM.from_pretrained(written(w, "config.json", "[]")),
        r"config.json is \[\], a list; copy it again",
    ),
    "a number as name": (
        lambda w: LanguageModel.from_pretrained(7),
        "name is 7, a int; give a path",
    ),
    "layers beyond the depth": (
        lambda w: VisionEncoder.from_pretrained(layers=(1, 99)),
        r"layers \(1, 99\) must be .* the depth, 4",
    ),
    "one layer": (
        lambda w: VisionEncoder.from_pretrained(layers=-2),
        "layers is -2; give the numbers of hidden states",
    ),
    "pixels without a mean": (
        lambda w: VisionEncoder(w.vlm.vision.model, (1,), mean=None),
        "mean is None; give a number for each",
    ),
    "an adapter for a name": (
        lambda w: load_adapter("a.safetensors", "clip", w.vlm.language),
        "vision is 'clip'",
    ),
    # training
    "bfloat16 weights": (
        lambda w: train(w, vlm=half(w)),
        "weights of torch.bfloat16 cannot be trained.*dtype=torch.float32.*LoRA",
    ),
    "a loss that is not finite": (
        lambda w: train(w, TrainingConfig(replace(STAGE, learning_rate=1e30), STAGE)),
        "the loss of step 1 is nan; lower the learning rate, 1e",
    ),
    "samples without answers": (
        lambda w: train(w, tokens=w.asked),
        "4 of 4 samples have no label; tokenise them with answers=True",
    ),
    "an image too few": (
        lambda w: train(w, images=w.images[:2].numpy()),
        "about image 2 of 2, counted from 0",
    ),
    "no data": (
        lambda w: fit(w.vlm, [], SHORT, w.folder),
        "data is None.*TrainingData",
    ),
    "a stage as training": (
        lambda w: fit(w.vlm, TrainingData(w.tokens, w.images), STAGE, w.folder),
        "config is StageConfig.*give a TrainingConfig",
    ),
    "an unknown stage": (
        lambda w: VLMModule(w.vlm, STAGE, stage="second"),
        "stage 'second' is not known; choose from align, tune",
    ),
    "texts as data": (lambda w: VQADataModule("abc", STAGE), "data is 'a', a str"),
    "steps in words": (lambda w: StageConfig("9", 0.1), f"steps is '9'; it {WHOLE} 0"),
    "no learning rate": (
        lambda w: StageConfig(9, 0.0),
        "learning_rate is 0.0; it must",
    ),
    "a rate that is nan": (
        lambda w: StageConfig(9, float("nan")),
        "is nan; it must be",
    ),
    "a long warm-up": (
        lambda w: StageConfig(9, 0.1, warmup=2),
        "warmup is 2; it must be a number of at least 0 and at most 1",
    ),
    "a negative seed": (lambda w: TrainingConfig(seed=-1), f"seed is -1; it {WHOLE} 0"),
    # metrics and evaluation
    "more answers than questions": (
        lambda w: update(metrics.GQA, ["a", "b"], ["a"]),
        "2 predictions cannot answer 1 questions; give one for each",
    ),
    "tensors as answers": (
        lambda w: update(metrics.POPE, torch.zeros(2), ["yes", "no"]),
        r"preds\[0\] is tensor\(0.\), a Tensor; give a text",
    ),
    "no answers": (
        lambda w: update(metrics.MME, {}) if 0 else update(metrics.GQA, None, None),
        "preds is None",
    ),
    "None as reference": (
        lambda w: update(metrics.GQA, ["a"], [None]),
        r"target\[0\] is None, a NoneType; give a text",
    ),
    "no text to read": (lambda w: metrics.pope_answer(None), "text is None"),
    "images of MME in a list": (lambda w: metrics.MME(["existence"]), "a list; give"),
    "a threshold in words": (lambda w: metrics.ANLS(threshold="x"), "threshold is 'x'"),
    "the name of a benchmark": (
        lambda w: evaluate(w.vlm, "gqa", w.folder / "a.jsonl"),
        "benchmark is 'gqa', a str; .*load_benchmark gives one",
    ),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_what_cannot_be_meant_gets_a_sentence(world, name):
    call, message = SENTENCES[name]
    with pytest.raises((ValueError, FileNotFoundError), match=f"(?s){message}"):
        call(world)
