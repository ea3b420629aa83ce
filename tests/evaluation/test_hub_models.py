import numpy as np
import pytest
import torch
from PIL import Image

from tests.evaluation.hub_families import FAMILIES
from vlmcore.evaluation import hub_models
from vlmcore.evaluation.hub_models import HubModel, load_model
from vlmcore.fingerprint import fingerprint
from vlmcore.models.vlm import VLM

RED, BLUE = (Image.new("RGB", (40, 30), colour) for colour in ("red", "blue"))


@pytest.fixture(scope="module")
def model(hub_llava):
    return HubModel(hub_llava)


def test_answers_are_those_of_transformers(model):
    """Alone and in a batch, where short prompts are padded and some have no image."""
    prompts = [
        "what is there ?",
        "which shape is red ? what color is red ?",
        "no",
        "is",
    ]
    images = [RED, BLUE, None, RED]
    together = model.ask(images, prompts, 5)
    for image, prompt, answer in zip(images, prompts, together, strict=True):
        assert model.ask([image], [prompt], 5) == [answer]
        mark = "<image>\n" if image else ""
        inputs = model.processor(
            text=f"USER: {mark}{prompt} ASSISTANT:", images=image, return_tensors="pt"
        )
        with torch.inference_mode():
            made = model.model.generate(**inputs, max_new_tokens=5, do_sample=False)
        new = made[0, inputs["input_ids"].shape[1] :]
        assert model.processor.decode(new, skip_special_tokens=True) == answer
    assert len(set(together)) > 1, "the model looks at its input"


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_answers_as_in_transformers(tmp_path, family):
    make, needs = FAMILIES[family]
    for package in needs:
        pytest.importorskip(package)
    make(tmp_path)
    model, rng = load_model(tmp_path, "cpu"), np.random.default_rng(0)
    noise = [Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)) for _ in "ab"]
    images = [*noise, None, RED.resize((60, 20))]
    prompts = ["what is there ?", "which shape is red ? is there a red shape ?"]
    prompts += ["is red a color ?", "what is there ?"]
    together = model.ask(images, prompts, 5)
    assert model.made_of()["kind"] == family
    for image, prompt, answer in zip(images, prompts, together, strict=True):
        content = [{"type": "image", "image": image}] if image else []
        content.append({"type": "text", "text": prompt})
        inputs = model.processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
        made = model.model.generate(**inputs, max_new_tokens=5, do_sample=False)
        new = made[0, inputs["input_ids"].shape[1] :]
        assert model.processor.decode(new, skip_special_tokens=True) == answer
    assert len(set(together)) > 1, "the model looks at its input"


@pytest.mark.parametrize("error", [ImportError("no Torchvision"), OSError("no load")])
def test_a_processor_that_lacks_a_package_says_so(monkeypatch, hub_llava, error):
    def fails(_):
        raise error

    monkeypatch.setattr(hub_models.AutoProcessor, "from_pretrained", fails)
    monkeypatch.setattr(hub_models, "find_spec", lambda name: None)
    message = "needs num2words and torchvision, .*pip install num2words torchvision"
    with pytest.raises(ModuleNotFoundError, match=message):
        HubModel(hub_llava)
    monkeypatch.setattr(hub_models, "find_spec", lambda name: name)
    with pytest.raises(ValueError, match="tiny-llava cannot be loaded: no "):
        HubModel(hub_llava)


def test_a_chat_template_is_used(model):
    model.processor.chat_template = (
        "{% for m in messages %}{% for c in m.content %}"
        "{% if c.type == 'image' %}<image>{% else %}{{ c.text }}{% endif %}"
        "{% endfor %}{% endfor %} A :"
    )
    try:
        assert model._prompt("what ?", True) == "<image>what ? A :"
        assert model._prompt("what ?", False) == "what ? A :"
    finally:
        model.processor.chat_template = None


def test_other_weights_are_another_model(hub_llava):
    one, other = HubModel(hub_llava), HubModel(hub_llava)
    assert fingerprint(one) == fingerprint(other)
    next(other.model.parameters()).data.flatten()[0] += 1
    assert fingerprint(one) != fingerprint(other)


def test_a_folder_says_whose_model_it_holds(hub_llava, our_model, tmp_path):
    assert isinstance(load_model(hub_llava, "cpu"), HubModel)
    assert isinstance(load_model(our_model, "cpu"), VLM)
    with pytest.raises(FileNotFoundError, match=r"holds no config.json; give a check"):
        load_model(tmp_path / "nothing", "cpu")
    with pytest.raises(ValueError, match="no device 'abacus' here; give cpu, cuda or"):
        load_model(our_model, "abacus")
