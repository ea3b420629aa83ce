"""Saving a whole model, and loading what is damaged."""

import json

import pytest
import torch

from tests.conftest import SAMPLES
from vlmcore.data.samples import tokenize
from vlmcore.models.vlm import VLM


def test_a_saved_model_answers_the_same(
    make_vlm, tokenizer, features, order, model, tmp_path
):
    vlm = make_vlm(*model, order)
    vlm.save_pretrained(tmp_path / "vlm")
    vlm.save_pretrained(tmp_path / "vlm")  # over itself
    again = VLM.from_pretrained(tmp_path / "vlm")
    assert again.config == vlm.config
    batch = tokenize(SAMPLES, tokenizer, order).batch(torch.arange(len(SAMPLES)))
    with torch.no_grad():
        assert torch.equal(again(batch, features).logits, vlm(batch, features).logits)
    assert [path.name for path in tmp_path.iterdir()] == ["vlm"]


def test_a_damaged_model_gets_a_sentence(make_vlm, tmp_path):
    make_vlm().save_pretrained(tmp_path)
    weights = tmp_path / "compressor.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(ValueError, match=r"compressor.safetensors is damaged"):
        VLM.from_pretrained(tmp_path)
    weights.unlink()
    with pytest.raises(FileNotFoundError, match=r"compressor.safetensors"):
        VLM.from_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"config.json is damaged at line 1"):
        VLM.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({**config, "visual_tokenz": 1}))
    with pytest.raises(ValueError, match="visual_tokenz"):
        VLM.from_pretrained(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"config.json"):
        VLM.from_pretrained(tmp_path / "nowhere")


def test_weights_of_another_v_get_a_sentence(make_vlm, tmp_path):
    make_vlm().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "visual_tokens": 9}))
    with pytest.raises(ValueError, match=r"does not fit config.json.*V = 9"):
        VLM.from_pretrained(tmp_path)


def test_saving_leaves_the_files_of_others_alone(make_vlm, tmp_path):
    """In the folder, beside it, and behind a link to it."""
    folder, link = tmp_path / "vlm", tmp_path / "link"
    foreign = [
        tmp_path / "vlm.old" / "x",
        tmp_path / "vlm.partial" / "x",
        folder / "notes.txt",
        folder / "language" / "generation" / "x",
    ]
    for path in foreign:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    link.symlink_to(folder)
    elsewhere = tmp_path / "elsewhere.json"
    (folder / "config.json").symlink_to(elsewhere)
    for target in (folder, link):
        make_vlm().save_pretrained(target)
    assert all(path.read_text() == "mine" for path in foreign)
    assert link.is_symlink() and (folder / "config.json").is_symlink()
    assert VLM.from_pretrained(folder).config == make_vlm().config
    assert not [path for path in tmp_path.rglob("*") if ".partial-" in path.name]


def test_a_failed_save_leaves_the_old_model(make_vlm, tmp_path, monkeypatch):
    make_vlm().save_pretrained(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    other = make_vlm(seed=1)
    monkeypatch.setattr("vlmcore.models.vlm.save_file", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        other.save_pretrained(tmp_path)
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before
