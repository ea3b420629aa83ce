"""Folders in the layouts of the releases: same visual tokens and answers as theirs."""

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from tests.models.pretrained import layouts
from vlmcore.config import M3Config, PruMergePlusConfig
from vlmcore.data.chat import IMAGE, TEMPLATES
from vlmcore.models.language import LanguageModel
from vlmcore.models.vision import VisionEncoder
from vlmcore.models.vlm import VLM

QUESTION = "is there a red circle ?"
DEEP = {"width": 128, "depth": 24}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VLMCORE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def llava():
    return layouts.llava()


@pytest.fixture(scope="module")
def deep():
    return layouts.llava(**DEEP)


def image():
    pixels = torch.randint(256, (24, 24, 3), generator=torch.Generator().manual_seed(7))
    return Image.fromarray(pixels.numpy().astype("uint8"))


def llava_ids(text, tokenizer):
    """LLaVA's rule, anew: pieces one by one, the start token of the first alone."""
    first, second = (tokenizer(piece)["input_ids"] for piece in text.split(IMAGE))
    return first, second[second[0] == tokenizer.bos_token_id :]


def prompt(template):
    system = TEMPLATES["vicuna_v1"].split("{%")[0] if template == "vicuna_v1" else ""
    return f"{system}USER: {IMAGE}\n{QUESTION} ASSISTANT:"


def expected(llava, vlm, template):
    """Visual tokens and the answer of transformers."""
    pixels = vlm.vision.prepare(image())
    first, second = llava_ids(prompt(template), layouts.tokenizer())
    hole = [llava.config.image_token_id] * 36
    ids = torch.tensor([[*first, *hole, *second]])
    with torch.no_grad():
        visual = llava.model.get_image_features(pixels).pooler_output[0]
        answer = llava.generate(
            input_ids=ids,
            pixel_values=pixels,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=8,
            do_sample=False,
            pad_token_id=0,
        )
    text = answer[0, ids.shape[1] :]
    return visual, layouts.tokenizer().decode(text, skip_special_tokens=True)


def ours(vlm, **options):
    with torch.no_grad():
        seen = vlm.encode_images(image())
        question = torch.linspace(-1, 1, layouts.WIDTH)[None]
        return vlm.compressor(seen, question, **options)[0]


EXTRAS = {
    "model.image_newline": torch.zeros(layouts.WIDTH),
    "model.layers.0.self_attn.rotary_emb.inv_freq": torch.zeros(6),
}


@pytest.mark.parametrize("layout", ["safetensors", "bin", "prefix and extras", "hub"])
def test_llava(llava, layout, tmp_path):
    folder, template = tmp_path / "llava", "vicuna_v1"
    if layout == "hub":
        layouts.write_hub(folder, llava)
        template = "llava_hf"
    elif layout == "bin":
        layouts.write_llava(folder, llava, kind="bin")
    else:
        prefix = "base_model.model." if "prefix" in layout else ""
        layouts.write_llava(folder, llava, prefix=prefix)
        if prefix:
            path = folder / "model.safetensors"
            more = {prefix + k: x for k, x in EXTRAS.items()}
            save_file(load_file(path) | more, path)
    vlm = VLM.from_pretrained(folder)
    visual, answer = expected(llava, vlm, template)
    assert (ours(vlm) - visual).abs().max() < 1e-5 * visual.abs().max()
    assert vlm.ask(image(), QUESTION) == [answer] and len(answer.split()) > 2
    assert vlm.config.visual_tokens == 36 and vlm.vision.config.layers == (2,)
    vlm.save_pretrained(tmp_path / "own")
    assert VLM.from_pretrained(tmp_path / "own").ask(image(), QUESTION) == [answer]


def test_weights_in_bfloat16_are_those_of_the_release(llava, tmp_path):
    half = layouts.llava().to(torch.bfloat16)
    vlm = VLM.from_pretrained(layouts.write_llava(tmp_path / "a", half))
    name = "model.layers.0.mlp.up_proj.weight"
    mine, theirs = vlm.language.model.state_dict()[name], half.model.language_model
    assert torch.equal(mine, theirs.layers[0].mlp.up_proj.weight.float())
    vlm = VLM.from_pretrained(tmp_path / "a", dtype=torch.bfloat16)
    assert vlm.language.model.dtype == torch.bfloat16 and vlm.ask(image(), QUESTION)


def test_m3_has_its_own_encoder_and_asks_for_the_scale(llava, tmp_path):
    trained = {
        f"vision_tower.vision_tower.vision_model.{k}": x + 0.01
        for k, x in llava.model.vision_tower.state_dict().items()
    }
    part = {f"mm_projector.{k}": x for k, x in layouts.projector(llava).items()}
    fields = {"matryoshka_vis_token_scale": None, "unfreeze_mm_vision_tower": True}
    folder = layouts.write_llava(tmp_path / "m3", llava, part | trained, **fields)
    with pytest.raises(ValueError, match=r"this m3 say how many.* 1, 4, 9, 36$"):
        VLM.from_pretrained(folder)
    vlm = VLM.from_pretrained(folder, visual_tokens=4)
    assert vlm.config.compressor == M3Config()
    key = "encoder.layers.0.mlp.fc1.bias"
    mine, theirs = (x.state_dict()[key] for x in (vlm.vision.model, layouts.vision()))
    assert torch.allclose(mine, theirs + 0.01)
    whole = ours(vlm, visual_tokens=36).unflatten(0, (2, 3, 2, 3))
    torch.testing.assert_close(ours(vlm), whole.mean((1, 3)).flatten(0, 1))


def test_prumerge_plus_works_on_llavas_projector(llava, tmp_path):
    folder = layouts.write_llava(tmp_path / "llava", llava)
    wanted = PruMergePlusConfig(neighbours=3, adaptive=True)
    vlm = VLM.from_pretrained(folder, compressor=wanted, visual_tokens=9)
    assert vlm.config.compressor == wanted and vlm.ask(image(), QUESTION)


def test_mqt_brings_its_positions(tmp_path):
    model = layouts.llava(width=64)
    part = layouts.mqt(64)
    folder = layouts.write_llava(tmp_path / "mqt", model, part)
    vlm = VLM.from_pretrained(folder)
    assert vlm.config.visual_tokens == vlm.config.compressor.queries == 16
    positions = part["query_abstractor.pos_embed"]
    assert torch.equal(vlm.compressor.query_positions, positions)
    three = VLM.from_pretrained(folder, visual_tokens=3)
    assert torch.equal(ours(three), ours(vlm, visual_tokens=3))
    three.save_pretrained(tmp_path / "own")
    again = VLM.from_pretrained(tmp_path / "own")
    assert torch.equal(ours(again), ours(three))


@pytest.mark.parametrize(
    ("part", "options", "tokens"),
    [(layouts.quecc, {}, 9), (layouts.tokenpacker, {"visual_tokens": 4}, 4)],
)
def test_region_attention_has_a_head_for_128_channels(
    deep, part, options, tokens, tmp_path
):
    fields = {"mm_vision_token_compression_type": "quecc"} if not options else {}
    folder = layouts.write_llava(tmp_path / "a", deep, part(128), **fields)
    vlm = VLM.from_pretrained(folder, **options)
    assert vlm.config.compressor.heads == 1 == vlm.compressor.attention.num_heads
    assert vlm.config.visual_tokens == tokens == len(ours(vlm))
    assert vlm.vision.config.layers == (12, 16, 22, 23)
    assert len(vlm.ask(image(), QUESTION)) == 1


@pytest.mark.parametrize("kind", ["mm_projector", "query_abstractor"])
def test_stage_one_leaves_the_compressor_alone(kind, tmp_path):
    model = layouts.llava(width=64)
    part = {f"mm_projector.{k}": x for k, x in layouts.projector(model).items()}
    part = layouts.mqt(64) if kind == "query_abstractor" else part
    folder = layouts.write_llava(tmp_path / "a", model, part)
    (folder / "model.safetensors").unlink()
    torch.save({f"model.{k}": x for k, x in part.items()}, folder / f"{kind}.bin")
    with pytest.raises(ValueError, match="give language= the folder or hub name"):
        VLM.from_pretrained(folder)
    language = layouts.write_qwen(tmp_path / "qwen")
    vlm = VLM.from_pretrained(folder, language=language)
    assert vlm.language.tokenizer.chat_template == TEMPLATES["plain"]
    assert len(vlm.ask(image(), QUESTION)) == 1


def test_bin_files_are_converted_once(tmp_path):
    folder = layouts.write_qwen(tmp_path / "qwen")
    first = LanguageModel.from_pretrained(folder)
    (converted,) = (tmp_path / "cache").glob("converted-*")
    again = LanguageModel.from_pretrained(folder)
    theirs = torch.load(folder / "pytorch_model.bin", weights_only=True)
    for model in (first, again):
        mine = model.model.state_dict()
        assert all(torch.equal(mine[name], x) for name, x in theirs.items())
    weights = converted / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match=r"was altered since it was converted; delete"):
        LanguageModel.from_pretrained(folder)


def test_an_encoder_of_bin_files(tmp_path):
    model = layouts.vision()
    model.config.save_pretrained(tmp_path / "a")
    tensors = {f"vision_model.{k}": x for k, x in model.state_dict().items()}
    torch.save(tensors, tmp_path / "a" / "pytorch_model.bin")
    encoder = VisionEncoder.from_pretrained(tmp_path / "a")
    mine = encoder.model.state_dict()
    assert all(torch.equal(mine[k], x) for k, x in model.state_dict().items())
