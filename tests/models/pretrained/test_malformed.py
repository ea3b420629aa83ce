"""Folders that no model can be made of are refused in a sentence with the way out."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.models.pretrained import layouts
from vlmcore.config import PruMergePlusConfig, QueCCConfig
from vlmcore.models.vlm import VLM


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Sound folders by layout; every test copies one and damages it."""
    here = tmp_path_factory.mktemp("sound")
    model, wide = layouts.llava(), layouts.llava(width=64)
    deep = layouts.llava(width=128, depth=24)
    layouts.write_llava(here / "llava", model)
    layouts.write_llava(here / "bin", model, kind="bin")
    layouts.write_hub(here / "hub", model)
    layouts.write_llava(here / "mqt", wide, layouts.mqt(64))
    layouts.write_llava(here / "tokenpacker", deep, layouts.tokenpacker(128))
    fields = {"mm_vision_token_compression_type": "quecc"}
    layouts.write_llava(here / "quecc", deep, layouts.quecc(128), **fields)
    layouts.write_llava(here / "shallow", model, layouts.quecc(16), **fields)
    return here


def field(**values):
    """Changes fields of config.json; one that is ... goes."""

    def edit(folder):
        path = folder / "config.json"
        fields = json.loads(path.read_text()) | values
        path.write_text(json.dumps({k: v for k, v in fields.items() if v is not ...}))

    return edit


def tensor(name, change=None):
    """Changes a tensor, or leaves it out."""

    def edit(folder):
        path = folder / "model.safetensors"
        tensors = {k: x.clone() for k, x in load_file(path).items()}
        found = tensors.pop(name)
        if change is not None:
            tensors[name] = change(found).contiguous()
        save_file(tensors, path)

    return edit


def added(name):
    return lambda folder: save_file(
        load_file(folder / "model.safetensors") | {name: torch.zeros(2)},
        folder / "model.safetensors",
    )


def text(name, content):
    return lambda folder: (folder / name).write_text(content)


def gone(name):
    def edit(folder):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return edit


def torch_file(name, content):
    return lambda folder: torch.save(content, folder / name)


class Code:
    """Pickled, it would run a command."""

    def __reduce__(self):
        return eval, ("1 + 1",)


def cut(name):
    def edit(folder):
        path = folder / name
        path.write_bytes(path.read_bytes()[:-9])

    return edit


def nothing(folder):
    """The folder is sound; what is asked of it is not."""


BIN = "pytorch_model-1-of-2.bin"
EMBED = "model.embed_tokens.weight"
MM = "model.mm_projector"
ROWS = [
    ("llava", gone("config.json"), {}, r"holds no config.json; give the folder"),
    ("llava", text("config.json", "{"), {}, r"config.json is damaged at line 1"),
    ("llava", text("config.json", "[1]"), {}, r"config.json is \[1\], a list"),
    ("llava", field(model_type="llava_mpt"), {}, r"'llava_mpt' is not known; choose"),
    ("llava", field(mm_vision_tower=None), {}, r"mm_vision_tower of .* is None"),
    ("llava", field(mm_vision_tower=...), {}, r"a 'llava_llama' model of transf"),
    ("llava", gone("tower"), {}, r"the vision encoder tower, .*give vision= its"),
    ("llava", gone("tower/model.safetensors"), {}, r"holds no model.safetensors"),
    ("llava", cut("tower/model.safetensors"), {}, r"model.safetensors is damaged"),
    ("llava", field(mm_projector_type="linear"), {}, r"'linear'; .* 'mlp2x_gelu'"),
    ("llava", field(mm_vision_select_feature="cls_patch"), {}, r"'cls_patch'; mod"),
    ("llava", field(mm_vision_select_layer=-9), {}, r"-9; the encoder has 3 layers"),
    ("llava", field(mm_use_im_start_end=True), {}, r"start_end of .* is True"),
    ("llava", field(image_aspect_ratio="anyres"), {}, r"'anyres'; models are"),
    ("llava", field(mm_vision_token_compression_type="x"), {}, r"'x'; models .*quecc"),
    ("llava", field(mm_vision_token_compression_type="quecc"), {}, r"q_downsample.wei"),
    ("llava", field(vocab_size=99), {}, r"lm_head.weight of .* is \(\d+, 24\), a"),
    ("llava", field(hidden_size=48), {}, r"is \(\d+, 24\), and its config asks for"),
    ("llava", field(unfreeze_mm_vision_tower=True), {}, r"weights are not in it"),
    ("llava", text("adapter_config.json", "{}"), {}, r"LoRA matrices; merge them"),
    ("llava", gone("model.safetensors"), {}, r"holds no weights; copy one of"),
    ("llava", cut("model.safetensors"), {}, r"model.safetensors is damaged"),
    ("llava", gone("tokenizer.json"), {}, r"no tokenizer that can be read here"),
    ("llava", tensor(f"{MM}.2.bias"), {}, r"missing are 2.bias, not known are none"),
    ("llava", added(f"{MM}.4.weight"), {}, r"not known are 4.weight"),
    ("llava", tensor(f"{MM}.0.weight", lambda x: x[:, :9]), {}, r"\(24, 9\), and the"),
    ("llava", tensor("model.norm.weight"), {}, r"lacks model.norm.weight of the la"),
    ("llava", tensor(EMBED), {}, r"holds no language model, as after stage 1"),
    ("llava", nothing, {"visual_tokens": 9}, r"for 36 visual tokens and cannot give 9"),
    ("llava", nothing, {"compressor": QueCCConfig()}, r"of mlp, which cannot serve as"),
    ("llava", nothing, {"compressor": "pool"}, r"compressor is 'pool', a str; give"),
    ("llava", nothing, {"template": "vicuna"}, r"'vicuna' is not known; choose from"),
    ("llava", nothing, {"visual_token": 9}, r"'visual_token' is not known; choose"),
    ("llava", nothing, {"vision": "nowhere"}, r"encoder nowhere, .* cannot be loaded"),
    ("bin", gone(BIN), {}, rf"holds no {BIN}, which .*index.json lists; copy it too"),
    ("bin", cut(BIN), {}, rf"{BIN} (is damaged|is no file of tensors)"),
    ("bin", text("pytorch_model.bin.index.json", "[]"), {}, r"index.json is \[\], a l"),
    ("bin", torch_file(BIN, [1]), {}, rf"{BIN} holds no tensors by name"),
    ("bin", torch_file(BIN, {"a": 1}), {}, rf"{BIN} holds 'a', a int; give a file"),
    ("bin", torch_file(BIN, {"a": Code()}), {}, r"holds code that would have to be"),
    ("bin", text(BIN, "no weights"), {}, rf"{BIN} (is damaged|is no file of tensors)"),
    ("hub", field(vision_feature_layer=[-2]), {}, r"is \[-2\] and its strategy"),
    ("hub", field(vision_feature_select_strategy="full"), {}, r"strategy 'full'; mo"),
    ("hub", field(model_type="llava_next"), {}, r"a 'llava_next' model of transf"),
    ("hub", cut("model.safetensors"), {}, r"model.safetensors is damaged"),
    ("mqt", nothing, {"visual_tokens": 17}, r"into 17 tokens; choose .* from 1 to 16"),
    ("mqt", nothing, {"compressor": PruMergePlusConfig()}, r"weights of mqt, which"),
    ("mqt", tensor("model.query_abstractor.pos_embed"), {}, r"missing are pos_embed"),
    ("tokenpacker", nothing, {}, r"this tokenpacker say .*visual_tokens=, one of 1, 4"),
    ("tokenpacker", nothing, {"visual_tokens": 36}, r"36 tokens; choose .* 1, 4, 9"),
    ("quecc", field(mm_vision_token_compression_stride=3), {}, r"of 2, .* stride 3"),
    ("quecc", tensor(f"{MM}.0.q_downsample.bias"), {}, r"missing are 0.q_downsample."),
    ("shallow", nothing, {}, r"\(12, 16, 22, 23\), and config and encoder, of 3 la"),
]


@pytest.mark.parametrize(
    ("layout", "damage", "options", "sentence"),
    ROWS,
    ids=[f"{row[0]}-{row[3]}" for row in ROWS],
)
def test_it_is_refused(folders, layout, damage, options, sentence, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(folders / layout, folder)
    damage(folder)
    with pytest.raises((ValueError, FileNotFoundError), match=sentence) as refusal:
        VLM.from_pretrained(folder, **options)
    assert refusal.type in (ValueError, FileNotFoundError)
    assert any(mark in str(refusal.value) for mark in ";:")
